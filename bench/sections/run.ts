/** @file All sections of a run, one piece of work after the other; the report is handed on after each. */

import type { Contender, Refusal } from "../contenders/contender.ts";
import { type Gpu, describeDevice, openGpu } from "../../src/engine/device.ts";
import { Clock, type Piece, minutesAndSeconds } from "../measure/clock.ts";
import { document } from "../report/document.ts";
import type { BenchOptions, BenchReport, BenchResults, Section } from "../report/report.ts";
import { sideOf } from "../report/sides.ts";
import { stepShape } from "../workload/loraStep.ts";
import { MODELS, type Product, largeProduct, productName, products } from "../workload/products.ts";
import { measureProduct } from "./matmul.ts";
import { type OpenModel, measureDecoding, measureEvaluation } from "./demo.ts";
import { measureStep } from "./step.ts";
import { measureOverhead, measurePacking } from "./training.ts";
import { type OnFailure, reason } from "./trial.ts";

const RANK = 8;
/** Long enough for a clock of 0.1 ms. */
const SAMPLE_MS = 20;
/** Of a library's first run of a piece of work: some compile for minutes on a processor. */
const PATIENCE_MS = 600_000;
/** Whole evaluations take seconds each. */
const EVALUATIONS = 5;
/** Sides of the large products: on a GPU, and on a processor that plays one. */
const LARGE = { gpu: [2048, 4096], software: [512, 1024] } as const;

/** Where the benchmark runs. */
export interface Host {
  readonly api: GPU;
  /** The browser, or Node with Dawn. */
  readonly platform: string;
  readonly openModel: OpenModel;
  readonly say: (line: string) => void;
  /** Gets the report after each piece of work, so that a run that is cut short leaves what it has. */
  readonly save: (report: BenchReport) => void | Promise<void>;
}

interface Work extends Piece {
  readonly section: Section;
  run(progress: (part: string) => void): Promise<Partial<BenchResults>>;
}

export async function runSections(
  host: Host,
  contenders: readonly Contender[],
  refused: readonly Refusal[],
  options: BenchOptions,
): Promise<BenchReport> {
  const gpu = await openGpu(host.api);
  try {
    return await measure(gpu, host, contenders, refused, options);
  } finally {
    gpu.destroy();
  }
}

async function measure(
  gpu: Gpu,
  host: Host,
  contenders: readonly Contender[],
  refused: readonly Refusal[],
  options: BenchOptions,
): Promise<BenchReport> {
  const clock = new Clock(options.minutes);
  const base = {
    device: describeDevice(gpu),
    software: gpu.adapter.software,
    platform: host.platform,
    date: new Date().toISOString(),
    options,
    contenders: contenders.map(({ name, version }) => ({ name, version })),
    refused,
  };
  let results: BenchResults = {
    peak: [],
    matmul: [],
    steps: [],
    overhead: null,
    packing: null,
    decoding: [],
    evaluation: null,
    gaps: [],
  };
  const gap = (sentence: string): void => {
    results = { ...results, gaps: [...results.gaps, sentence] };
    host.say(sentence);
  };
  const report = (state: BenchReport["state"]): BenchReport => {
    const kernels = Object.fromEntries(contenders.flatMap(({ name, kernels: rows }) => (rows ? [[name, rows()]] : [])));
    const whole = { ...base, ...results, kernels, state };
    return { ...whole, markdown: document(whole) };
  };
  const works = worksOf(gpu, host, contenders, options, () => results, clock, gap);
  for (const [index, work] of works.entries()) {
    if (clock.over) {
      gap(`${work.section}, ${work.name}: not begun, the ${options.minutes ?? 0} minutes were over.`);
      continue;
    }
    const left = clock.expected(works.slice(index));
    const where =
      `[${index + 1}/${works.length},` +
      " " +
      `${minutesAndSeconds(clock.passed)}${left === undefined ? "" : `, about ${minutesAndSeconds(left)} left`}]` +
      ` ${work.section}: ${work.name}`;
    host.say(where);
    const started = performance.now();
    try {
      results = { ...results, ...(await work.run((part) => host.say(`${where}, ${part}`))) };
    } catch (error) {
      gap(`${work.section}, ${work.name}: ${reason(error)}`);
    }
    clock.finish(work, performance.now() - started);
    await host.save(report("under way"));
  }
  const finished = report("finished");
  await host.save(finished);
  return finished;
}

/** The pieces of work, in the order of the sections as they were asked for; `soFar`: what is added to. */
function worksOf(
  gpu: Gpu,
  { openModel }: Host,
  contenders: readonly Contender[],
  options: BenchOptions,
  soFar: () => BenchResults,
  clock: Clock,
  gap: (sentence: string) => void,
): Work[] {
  const { repetitions } = options;
  const protocol = { repetitions, sampleMs: SAMPLE_MS, patienceMs: PATIENCE_MS, over: () => clock.over };
  const stuck = new Set<string>();
  const failed =
    (name: string): OnFailure =>
    (contender, why, kind) => {
      if (kind === "stuck") stuck.add(contender);
      gap(`${contender}, ${name}: ${why}`);
    };
  const able = (who: readonly Contender[]): Contender[] => who.filter(({ name }) => !stuck.has(name));
  const product = (section: "peak" | "matmul", one: Product, who: readonly Contender[]): Work => {
    const name = `${one.model} ${productName(one)}`;
    return {
      section,
      name,
      run: async () => ({
        [section]: [...soFar()[section], await measureProduct(able(who), one, protocol, failed(name))],
      }),
    };
  };
  const all: Readonly<Record<Section, () => Work[]>> = {
    peak: () =>
      (gpu.adapter.software ? LARGE.software : LARGE.gpu).map((size) =>
        product(
          "peak",
          largeProduct(size),
          contenders.filter(({ name }) => sideOf(name) !== "library"),
        ),
      ),
    matmul: () => wantedProducts(options).map((one) => product("matmul", one, contenders)),
    step: () =>
      options.layers.flatMap((layers) =>
        options.stepTokens.map((tokens): Work => {
          const name = `LoRA step, ${layers} blocks, ${tokens} tokens`;
          return {
            section: "step",
            name,
            run: async (progress) => {
              const onRound = (round: number): void => progress(`round ${round} of ${repetitions}`);
              return {
                steps: [
                  ...soFar().steps,
                  await measureStep(
                    able(contenders),
                    stepShape(tokens, layers),
                    { ...protocol, onRound },
                    failed(name),
                  ),
                ],
              };
            },
          };
        }),
      ),
    overhead: () => [
      {
        section: "overhead",
        name: "SFT and AsFT steps",
        run: async () => ({ overhead: await measureOverhead(gpu, repetitions) }),
      },
    ],
    packing: () => [
      {
        section: "packing",
        name: "packed and padded batches",
        run: async () => ({ packing: await measurePacking(gpu, repetitions) }),
      },
    ],
    decoding: () => [
      {
        section: "decoding",
        name: "1 and 64 prompts",
        run: async () => ({ decoding: await measureDecoding(gpu, openModel, repetitions) }),
      },
    ],
    evaluation: () => [
      {
        section: "evaluation",
        name: "100 prompts",
        run: async () => ({ evaluation: await measureEvaluation(gpu, openModel, Math.min(repetitions, EVALUATIONS)) }),
      },
    ],
  };
  return options.sections.flatMap((section) => all[section]());
}

function wantedProducts({ shapes, tokens }: BenchOptions): Product[] {
  return shapes.flatMap((name) => {
    const model = MODELS[name];
    if (!model) throw new Error(`there is no model ${name}; there are ${Object.keys(MODELS).join(", ")}`);
    return products(model, tokens, RANK);
  });
}
