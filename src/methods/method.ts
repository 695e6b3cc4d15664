/**
 * @file A method: one file that calls `defineMethod`, and one line of list.ts. This header is the guide to writing one.
 *
 * **What it is called and how it looks** are facts of its description (description.ts) and functions of its options:
 * title, settings, mark, formula, penalty text. The lab, the reports, the command line and the Python replay ask them,
 * so nothing else has to learn the method's name. **Its options** are one zod schema whose fields carry their words
 * (options.ts); the form and the help are read from it.
 *
 * **What it does** is a set of stages (stages.ts), of which it fills in those that it needs:
 *
 *     known from the options alone, before anything is read or allocated
 *       1 rows      rows added to the user's, in which steps they have their turn, a trigger before prompts
 *       2 before    whether the unaligned twin is compared or trained, a second adapter
 *                   (deviceBytes says beforehand what stages 3 to 6 will hold)
 *     made by `prepare`, with the device, the adapter's parameters and both checkpoints at hand
 *       3 penalty   dispatches that add a term to the loss, once per optimiser step
 *       4 steps     what happens before a step, and the state that run snapshots save
 *       5 after     an edit of the trained adapter
 *       6 report    what it logs
 *
 *     method      1 rows               2 before              3 penalty     4 steps        5 after
 *     sft
 *     asft                             twin compared         anchored
 *     safe_lora                        twin compared                                      projection
 *     safe_instr  mixed
 *     bea         mixed, trigger
 *     lisa        stream               twin trained or not   proximal      turns, centre
 *     safe_merge  for safe adapter     twin, safe adapter                                 merge
 *     splora                           twin compared                                      pruning
 *     star_dss    shaping              references
 *
 * **Where the next ones belong.** A stage grows a field when the first method needs it, and the phase of the run that
 * executes the stage (src/experiment/run) learns it once, for all methods:
 *
 *     AlignGuard   2: a pass over safety rows that accumulates Σ dy dyᵀ and squared gradients of each targeted module,
 *                     asked for through MethodContext. 3: its quadratic and collision terms, as AsFT's penalty is.
 *     IRR          2: the same pass for squared gradients, and one that accumulates Σ x xᵀ. 5: AfterTraining gets a
 *                     dense delta of each module beside `modules`, which the run applies to the weights and saves.
 *     DSA          2: cached hidden states, a pass over the rows. 3 and 4 train its side network in buffers of its own,
 *                     the adapter untouched. 5: AfterTraining gets the network, which generation reads, with lambda.
 *     mechanistic study: its DPO and unlearning objectives are label weights, positive or negative (1).
 *     safety landscape, similarity of data, risk presets: analyses and presets, not methods (src/analysis).
 */

import type { z } from "../base/zod.ts";
import type { Mark, MethodDescription, MethodFormula, PenaltyText } from "./description.ts";
import { type OptionsSchema, optionsOf, validOptions } from "./options.ts";
import {
  type AdaptedModule,
  type BeforeStage,
  DEFAULT_LIMIT,
  type DeviceLimit,
  type MethodContext,
  type PreparedMethod,
  type RowStage,
} from "./stages.ts";

/** Other options of the same method with which a run takes less device memory. */
export interface LighterOptions {
  /** "Projector of rank 4" */
  readonly label: string;
  /** What it costs: "another penalty". */
  readonly cost: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** A method with its options settled: what a run, a form and a report work with. */
export interface BoundMethod {
  readonly description: MethodDescription;
  /** All defaults resolved. */
  readonly options: Readonly<Record<string, unknown>> & { readonly name: string };
  /** What this variant is, honestly: "AsFT", but "Plain L2" where the projector is none. */
  readonly title: string;
  /** The options that matter: "λ 30". */
  readonly settings: string;
  readonly mark: Mark;
  /** null: its steps add no penalty to the loss. */
  readonly penaltyText: PenaltyText | null;
  readonly formula: () => MethodFormula;
  /** From mild to strong. */
  readonly lighter: () => readonly LighterOptions[];
  readonly rows: RowStage;
  readonly before: BeforeStage;
  /** Bytes that `prepare` and what follows will hold on the device. */
  readonly deviceBytes: (modules: readonly AdaptedModule[], limit?: DeviceLimit) => number;
  /** @throws BasinError when the checkpoints do not fit the modules or each other. */
  readonly prepare: (context: MethodContext) => Promise<PreparedMethod>;
}

export interface Method<Schema extends OptionsSchema = OptionsSchema> extends MethodDescription {
  /** A strict object, discriminated by the literal `name`. */
  readonly schema: Schema;
  /** @throws ZodError when `options` do not match the schema. */
  readonly bind: (options: unknown) => BoundMethod;
  /** Binds a form's draft: an option that is invalid counts as its default. */
  readonly bindDraft: (options: Readonly<Record<string, unknown>>) => BoundMethod;
}

type Optional = "replay" | "log" | "worldOptions" | "withoutTwin";

/** What a method's file says. Everything that is optional defaults to "nothing", "none" or the method's title. */
export interface MethodDefinition<Schema extends OptionsSchema, Options = z.output<Schema>>
  extends Omit<MethodDescription, Optional | "options">,
    Partial<Pick<MethodDescription, Optional>> {
  readonly schema: Schema;
  readonly variantTitle?: (options: Options) => string;
  readonly settings: (options: Options) => string;
  readonly mark?: (options: Options) => Mark;
  readonly penaltyText?: (options: Options) => PenaltyText | null;
  readonly formula: (options: Options) => MethodFormula;
  readonly lighter?: (options: Options) => readonly LighterOptions[];
  readonly rows?: (options: Options) => Partial<RowStage>;
  readonly before?: (options: Options) => Partial<BeforeStage>;
  readonly deviceBytes?: (options: Options, modules: readonly AdaptedModule[], limit: DeviceLimit) => number;
  readonly prepare?: (options: Options, context: MethodContext) => Promise<Partial<PreparedMethod>>;
}

const NO_ROWS: RowStage = { safety: null, trigger: () => null, shaping: null };
const NOTHING_BEFORE: BeforeStage = { twin: "unused", safeAdapter: null };
const NOTHING_PREPARED: PreparedMethod = {
  penalty: null,
  steps: null,
  after: null,
  report: () => Promise.resolve({}),
  bytes: 0,
  destroy: () => undefined,
};

/** Turns a typed definition into a method that a registry can hold beside others. */
export function defineMethod<Schema extends OptionsSchema>(definition: MethodDefinition<Schema>): Method<Schema> {
  const { schema, name } = definition;
  const description = descriptionOf(definition);
  const bind = (input: unknown): BoundMethod => bound(definition, description, schema.parse(input));
  return { ...description, schema, bind, bindDraft: (written) => bind(validOptions(schema, name, written)) };
}

function descriptionOf<Schema extends OptionsSchema>(definition: MethodDefinition<Schema>): MethodDescription {
  const { name, title, kind, summary, about, citation, evidence, cautions, marks, schema } = definition;
  return {
    name,
    title,
    kind,
    summary,
    about,
    citation,
    evidence,
    cautions,
    marks,
    options: optionsOf(schema, name),
    log: definition.log ?? { facts: {}, modules: {} },
    replay: definition.replay ?? null,
    worldOptions: definition.worldOptions ?? {},
    withoutTwin: definition.withoutTwin ?? null,
  };
}

function bound<Schema extends OptionsSchema>(
  definition: MethodDefinition<Schema>,
  description: MethodDescription,
  options: z.output<Schema>,
): BoundMethod {
  return {
    description,
    options: { ...options, name: description.name },
    title: definition.variantTitle?.(options) ?? description.title,
    settings: definition.settings(options),
    mark: definition.mark?.(options) ?? description.marks[0],
    penaltyText: definition.penaltyText?.(options) ?? null,
    formula: () => definition.formula(options),
    lighter: () => definition.lighter?.(options) ?? [],
    rows: { ...NO_ROWS, ...definition.rows?.(options) },
    before: { ...NOTHING_BEFORE, ...definition.before?.(options) },
    deviceBytes: (modules, limit = DEFAULT_LIMIT) => definition.deviceBytes?.(options, modules, limit) ?? 0,
    prepare: async (context) => ({ ...NOTHING_PREPARED, ...(await definition.prepare?.(options, context)) }),
  };
}
