/**
 * @file Lisa (arXiv 2405.18641): alternate between alignment data and the user's data, and hold each state near the other's end.
 *
 *     state 1, K1 steps on safety rows f:  min f(w) + rho/2 ‖w - w_t‖²        from w_t
 *     state 2, K2 steps on user's rows h:  min h(w) + rho/2 ‖w - w̃_{t+1}‖²    from w̃_{t+1}
 *
 * w is all A and B of the adapter (not B·A). Each state begins where the other ended, so its anchor is the adapter as it
 * stood when the state began. One AdamW goes through both. As in the released code the first state is alignment and the
 * proximal term is left out in the first tenth of all steps. The run takes as many steps as plain fine-tuning; the user's
 * rows wait while safety rows have their turn (the released code drops the batches that would have come then).
 *
 * rho = 0 is the paper's BSO: nothing is allocated or dispatched. With K1 = 0 besides it is plain fine-tuning, bit for bit.
 */

import { z } from "zod";
import { type Gpu, createBuffer } from "../engine/device.ts";
import type { Dispatch } from "../engine/encoder.ts";
import { proximalFamily } from "../engine/kernels.ts";
import type { ParameterStore } from "../engine/parameters.ts";
import { type BufferView, readStorage } from "../engine/storage.ts";
import { adapterLayout } from "../model/lora.ts";
import {
  type AdaptedModule,
  type MethodContext,
  type MethodLog,
  type MethodState,
  type PreparedMethod,
  type StepInfo,
  type Stream,
  defineMethod,
  safetyRowsField,
  safetyRowsParameter,
} from "./method.ts";

const schema = z.strictObject({
  name: z.literal("lisa"),
  rho: z.number().min(0).default(1).meta({
    title: "rho",
    description:
      "Weight of the proximal term: loss = cross-entropy + rho/2 · ‖w - anchor‖². 0 is plain alternation (BSO).",
    scale: "log",
  }),
  alignment_steps: z.int().min(0).default(100).meta({
    title: "Alignment steps (K1)",
    description: "Optimiser steps on safety rows in each cycle.",
    unit: "steps",
  }),
  user_steps: z.int().min(1).default(900).meta({
    title: "User steps (K2)",
    description: "Optimiser steps on the user's rows in each cycle.",
    unit: "steps",
  }),
  proximal_from: z.number().min(0).max(1).default(0.1).meta({
    title: "Proximal term from",
    description: "Share of all steps before the proximal term counts. 0.1 in the released code.",
  }),
  start_from: z.enum(["aligned", "base"]).default("aligned").meta({
    title: "Start from",
    description:
      "aligned: the aligned model is fine-tuned. base: the unaligned twin is, so that alignment comes from the safety rows alone.",
  }),
  safety_count: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(1000)
    .meta({ title: "Safety rows", description: "Alignment data; the paper has 10 000 rows.", unit: "rows" }),
  safety_rows: safetyRowsField,
});

export type LisaOptions = z.output<typeof schema>;

export const lisa = defineMethod({
  name: "lisa",
  title: "Lisa",
  kind: "rows",
  summary:
    "Alternates between safety rows and the user's rows; a proximal term keeps each state near where the other ended.",
  about:
    "Training alternates between two states: K1 steps on safety rows, then K2 steps on the user's rows, and so on. A proximal term holds all A and B near the point where the state began, which is where the other state ended, so that neither drifts too far. Without the term it is plain alternation, the paper's BSO. The AsFT paper runs it from the aligned model and from the base; which settings it used is not stated.",
  citation: {
    text: "Lisa: Lazy Safety Alignment for Large Language Models against Harmful Fine-tuning Attack, NeurIPS 2024, arXiv 2405.18641",
    url: "https://arxiv.org/abs/2405.18641",
  },
  evidence: {
    grade: "primary code",
    note: "Alternation, anchors and defaults from paper and released trainer. What the AsFT paper calls Lisa-base and Lisa-aligned is an inference: started from the base and from the aligned model.",
  },
  cautions: [
    "With K1 + K2 at or above the number of steps there is at most one switch: set them to the run's length.",
    "The proximal term acts on A and B, not on the update B·A; AdamW's scale decides how strongly rho bites.",
    "It needs far more safety rows than SafeInstr, and a share K1/(K1 + K2) of the steps does not learn the user's task.",
    "In the apothecary world the safety rows name other brews than any evaluation or harmful row, but of the same kinds as the evaluation's: a favourable case.",
  ],
  parameters: [
    {
      name: "rho",
      title: "rho",
      help: "0 is plain alternation (BSO).",
      default: 1,
      range: { min: 0, max: 100, scale: "log" },
    },
    {
      name: "alignment_steps",
      title: "Alignment steps (K1)",
      help: "Steps on safety rows in each cycle.",
      default: 100,
      range: { min: 0, max: 10_000, scale: "linear" },
    },
    {
      name: "user_steps",
      title: "User steps (K2)",
      help: "Steps on the user's rows in each cycle.",
      default: 900,
      range: { min: 1, max: 10_000, scale: "linear" },
    },
    {
      name: "proximal_from",
      title: "Proximal term from",
      help: "Share of all steps before it counts.",
      default: 0.1,
      range: { min: 0, max: 1, scale: "linear" },
      seldom: true,
    },
    {
      name: "start_from",
      title: "Start from",
      help: "The aligned model, or its unaligned twin.",
      default: "aligned",
      range: { choices: ["aligned", "base"] },
    },
    {
      name: "safety_count",
      title: "Safety rows",
      help: "Alignment data.",
      default: 1000,
      range: { min: 1, max: 10_000, scale: "linear" },
    },
    safetyRowsParameter,
  ],
  schema,
  lambda: ({ rho }) => rho,
  needsUnaligned: ({ start_from }) => start_from === "base",
  anchorBytes: ({ rho }, modules) =>
    rho === 0 ? 0 : 4 * adapterLayout(modules).total + STATE_BYTES + windowBytes(modules),
  safety: ({ alignment_steps, safety_count, safety_rows }) =>
    alignment_steps === 0
      ? null
      : { use: "stream", amount: { count: safety_count }, file: safety_rows, triggered: false },
  streamOf,
  startsFrom: ({ start_from }) => (start_from === "base" ? "unaligned" : "aligned"),
  prepare,
});

const STATE_BYTES = 16;

/** Of the table of the modules' windows, see shaders/proximal.wgsl. */
function windowBytes(modules: readonly AdaptedModule[]): number {
  return 8 * Math.max(2, modules.length);
}

function streamOf({ alignment_steps, user_steps }: LisaOptions, step: number): Stream {
  return step % (alignment_steps + user_steps) < alignment_steps ? "safety" : "user";
}

async function prepare(
  options: LisaOptions,
  { gpu, modules, parameters, stats }: MethodContext,
): Promise<PreparedMethod> {
  const { rho } = options;
  const account = new Account(options);
  if (rho === 0) {
    return {
      lambda: 0,
      anchorBytes: 0,
      dispatches: [],
      beforeStep: (info) => void account.step(info),
      state: {
        read: () => Promise.resolve({ facts: account.facts(), tensors: new Map() }),
        restore: ({ facts }) => account.restore(facts),
      },
      log: () => Promise.resolve(account.log()),
      destroy: () => undefined,
    };
  }
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const bytes = 4 * parameters.layout.total;
  const anchor = await createBuffer(gpu, bytes, usage, "proximal anchor");
  const state = await createBuffer(gpu, STATE_BYTES, usage, "proximal state");
  const windows = await createBuffer(gpu, windowBytes(modules), usage, "proximal windows");
  const ends = modules
    .map((module) => windowOf(module, parameters))
    .flatMap(({ start, count }) => [start, start + count]);
  gpu.device.queue.writeBuffer(windows, 0, Uint32Array.from(ends));
  return {
    lambda: rho,
    anchorBytes: bytes + STATE_BYTES + windowBytes(modules),
    dispatches: proximalDispatches({
      modules: modules.length,
      parameters,
      stats,
      anchor,
      rho,
      state: { buffer: state, offset: 0, size: STATE_BYTES },
      windows: { buffer: windows, offset: 0, size: windowBytes(modules) },
    }),
    beforeStep: (info) => {
      const { switched, proximal } = account.step(info);
      if (switched) {
        const encoder = gpu.device.createCommandEncoder();
        encoder.copyBufferToBuffer(parameters.buffers.values, 0, anchor, 0, bytes);
        gpu.device.queue.submit([encoder.finish()]);
      }
      gpu.device.queue.writeBuffer(state, 0, new Float32Array([proximal ? 1 : 0]));
    },
    state: {
      read: async (): Promise<MethodState> => ({
        facts: account.facts(),
        tensors: new Map([["anchor", await readFlat(gpu, parameters, anchor)]]),
      }),
      restore: ({ facts, tensors }) => {
        const values = tensors.get("anchor");
        if (values?.byteLength !== bytes) throw new Error(`an anchor of ${bytes} bytes is needed`);
        account.restore(facts);
        gpu.device.queue.writeBuffer(anchor, 0, values as Float32Array<ArrayBuffer>);
      },
    },
    log: async () => ({ ...account.log(), modules: await distances(gpu, modules, parameters, anchor) }),
    destroy: () => {
      for (const buffer of [anchor, state, windows]) buffer.destroy();
    },
  };
}

const factsSchema = z.object({
  switches: z.array(z.object({ step: z.int(), to: z.enum(["user", "safety"]) })),
  steps: z.object({ user: z.int(), safety: z.int() }),
  withoutProximal: z.int(),
  current: z.enum(["user", "safety"]).nullable(),
});

/** What happened step by step. */
class Account {
  readonly #options: LisaOptions;
  #switches: { readonly step: number; readonly to: Stream }[] = [];
  #steps: Record<Stream, number> = { user: 0, safety: 0 };
  #withoutProximal = 0;
  #current: Stream | null = null;

  constructor(options: LisaOptions) {
    this.#options = options;
  }

  /** Whether a state begins with this step, and whether the proximal term counts in it. */
  step({ step, totalSteps, stream }: StepInfo): { readonly switched: boolean; readonly proximal: boolean } {
    const switched = stream !== this.#current;
    if (switched) this.#switches.push({ step: step + 1, to: stream });
    this.#current = stream;
    this.#steps[stream] += 1;
    // Strictly after that share, as the released code compares.
    const proximal = step > this.#options.proximal_from * totalSteps;
    if (!proximal) this.#withoutProximal += 1;
    return { switched, proximal };
  }

  facts(): z.output<typeof factsSchema> {
    return {
      switches: [...this.#switches],
      steps: { ...this.#steps },
      withoutProximal: this.#withoutProximal,
      current: this.#current,
    };
  }

  restore(facts: unknown): void {
    ({
      switches: this.#switches,
      steps: this.#steps,
      withoutProximal: this.#withoutProximal,
      current: this.#current,
    } = factsSchema.parse(facts));
  }

  log(): MethodLog {
    const { rho, alignment_steps, user_steps, start_from } = this.#options;
    return {
      rho,
      alignment_steps,
      user_steps,
      start_from,
      steps: { ...this.#steps },
      switches: [...this.#switches],
      steps_without_proximal_term: this.#withoutProximal,
    };
  }
}

interface Proximal {
  readonly modules: number;
  readonly parameters: ParameterStore;
  readonly stats: BufferView;
  readonly anchor: GPUBuffer;
  readonly state: BufferView;
  /** Begin and end of each module in the flat buffers. */
  readonly windows: BufferView;
  readonly rho: number;
}

/** Three dispatches, however many modules there are (two more for each further range of the flat buffers). */
function proximalDispatches({
  modules,
  parameters,
  stats,
  anchor,
  state,
  windows,
  rho,
}: Proximal): Dispatch<typeof proximalFamily>[] {
  const common = { first: 0, count: 0, modules, lambda: rho };
  const gradients = parameters.ranges("gradients");
  const perRange = parameters
    .ranges("values")
    .flatMap(({ start: first, view }, i): Dispatch<typeof proximalFamily>[] => {
      const gradient = gradients[i]?.view;
      if (!gradient) throw new Error("the flat buffers have different ranges");
      const count = view.size / 4;
      const shared = { family: proximalFamily, constants: {}, params: { ...common, first, count }, flops: 3 * count };
      const bindings = { state, values: view, anchor: { ...view, buffer: anchor } };
      return [
        {
          ...shared,
          entry: "pull",
          bindings: { ...bindings, gradients: gradient },
          groups: Math.ceil(count / 64),
          label: "proximal pull",
        },
        {
          ...shared,
          entry: "distance",
          bindings: { ...bindings, windows, stats },
          groups: modules,
          label: "proximal distance",
        },
      ];
    });
  return [
    ...perRange,
    {
      family: proximalFamily,
      entry: "total",
      constants: {},
      bindings: { stats },
      params: common,
      groups: 1,
      label: "proximal total",
      flops: modules,
    },
  ];
}

/** A and B of a module lie side by side, with zero padding between. */
function windowOf({ a, b, path }: AdaptedModule, { layout }: ParameterStore): { start: number; count: number } {
  const [slotA, slotB] = [layout.regions.get(a), layout.regions.get(b)];
  if (!slotA || !slotB) throw new Error(`${path} has no A and B in the parameter store`);
  return { start: slotA.offset, count: slotB.offset + slotB.count - slotA.offset };
}

/** A buffer that is laid out as the parameters. */
async function readFlat(gpu: Gpu, { layout }: ParameterStore, buffer: GPUBuffer): Promise<Float32Array> {
  return new Float32Array(
    await readStorage(gpu, { parts: [{ row: 0, rows: 1, view: { buffer, offset: 0, size: 4 * layout.total } }] }),
  );
}

/** ½ ‖w - anchor‖² of each module as it stands, in f64. */
async function distances(
  gpu: Gpu,
  modules: readonly AdaptedModule[],
  parameters: ParameterStore,
  anchor: GPUBuffer,
): Promise<{ path: string; penalty: number }[]> {
  const [values, anchored] = [
    await readFlat(gpu, parameters, parameters.buffers.values),
    await readFlat(gpu, parameters, anchor),
  ];
  return modules.map((module) => {
    const { start, count } = windowOf(module, parameters);
    let sum = 0;
    for (let i = start; i < start + count; i += 1) sum += ((values[i] ?? 0) - (anchored[i] ?? 0)) ** 2;
    return { path: module.path, penalty: sum / 2 };
  });
}
