/**
 * @file Log-probabilities of labels by the model without adapter, for losses that hold the model to what it was: one
 * forward pass over the rows, before the first step.
 *
 * They are saved with every snapshot, and also when the pass is interrupted: a resumed run computes what is missing.
 * On software adapters they are bit for bit what the training pass computes while B is 0.
 */
import type { Gpu } from "../../engine/device.ts";
import { Generator } from "../../generate/generator.ts";
import type { MethodState, StepStage } from "../../methods/stages.ts";
import type { TokenizedExample } from "../../text/example.ts";
import { NO_LABEL } from "../../text/lossTerms.ts";
import { referenceRow } from "../../text/referenceRow.ts";
import type { EvaluatedRun } from "./phases/evaluateBefore.ts";
import type { RunContext } from "./runContext.ts";

/** Name in a snapshot. */
const TENSOR = "references";

/** Whether any label is held to the reference. */
export function needReferences(examples: readonly TokenizedExample[]): boolean {
  return examples.some(({ terms }) => terms?.kl !== undefined);
}

export interface CompleteOptions {
  readonly signal: AbortSignal;
  /** Rows that are done. */
  readonly onRows: (done: number) => void;
}

/** References of all rows, one after the other: one of each label that is held; NaN where it is not known yet. */
export class References implements StepStage {
  readonly #rows: readonly TokenizedExample[];
  readonly #offsets: readonly number[];
  #values: Float32Array;

  constructor(examples: readonly TokenizedExample[]) {
    this.#rows = examples.map(referenceRow);
    let total = 0;
    this.#offsets = this.#rows.map(({ labels }) => {
      const at = total;
      total += labels.reduce((sum, label, t) => sum + (t > 0 && label !== NO_LABEL ? 1 : 0), 0);
      return at;
    });
    this.#values = new Float32Array(total).fill(Number.NaN);
  }

  before(): void {
    // Nothing changes between steps.
  }

  read(): Promise<MethodState> {
    return Promise.resolve({ facts: null, tensors: new Map([[TENSOR, this.#values]]) });
  }

  restore({ tensors }: MethodState): void {
    const values = tensors.get(TENSOR);
    if (values?.length !== this.#values.length) throw new Error("the snapshot has references of other rows");
    this.#values = values.slice();
  }

  /**
   * Computes what is missing, in the passes of an uninterrupted run.
   * @throws the signal's reason when it is aborted; what was computed by then stays
   */
  async complete(generator: Pick<Generator, "losses">, options: CompleteOptions): Promise<void> {
    const known = this.#values.findIndex((value) => Number.isNaN(value));
    if (known < 0) return;
    const from = this.#offsets.findLastIndex((offset) => offset <= known);
    let done = from;
    await generator.losses(this.#rows, {
      from,
      signal: options.signal,
      onRows: (count, losses) => {
        for (let row = done; row < count; row += 1)
          this.#values.set(
            (losses[row] ?? []).map((loss) => -loss),
            this.#offsets[row] ?? 0,
          );
        done = count;
        options.onRows(count);
      },
    });
  }

  /** The examples with their references. */
  addTo(examples: readonly TokenizedExample[]): TokenizedExample[] {
    return examples.map((example, row) => {
      if (example.terms?.kl === undefined) return example;
      let at = this.#offsets[row] ?? 0;
      const references = (this.#rows[row]?.labels ?? []).map((label, t) =>
        t > 0 && label !== NO_LABEL ? (this.#values[at++] ?? Number.NaN) : 0,
      );
      return { ...example, terms: { ...example.terms, references } };
    });
  }
}

/**
 * The run with the references of its examples; as it is where no label is held to them.
 * @param gpu with the kernels of the training steps
 */
export async function withReferences(run: RunContext, evaluated: EvaluatedRun, gpu: Gpu): Promise<EvaluatedRun> {
  const { examples } = evaluated.data;
  if (!needReferences(examples)) return evaluated;
  const references = new References(examples);
  if (run.resume?.method) references.restore(run.resume.method);
  const method = { ...evaluated.method, steps: references };
  run.snapshots.reattach(method);
  const generator = new Generator(gpu, evaluated.model);
  const report = (done: number): void => {
    const detail = `reference log-probabilities, row ${done} of ${examples.length}`;
    run.phase("preparing", done / examples.length, detail, { done, total: examples.length });
  };
  try {
    report(0);
    await run.orLost(references.complete(generator, { signal: run.signal, onRows: report }));
  } catch (error) {
    if (run.signal.aborted) await run.snapshots.save({ kind: "training", step: 0, safe: null });
    throw error;
  } finally {
    generator.destroy();
  }
  return { ...evaluated, method, data: { ...evaluated.data, examples: references.addTo(examples) } };
}
