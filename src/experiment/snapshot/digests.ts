/**
 * @file Digests of what a run's numbers depend on: the rows as tokens, and the frozen weights that are adapted. A name
 * is not enough: a folder or a file may hold something else by the time a run is resumed.
 */
import { sha256 } from "../../base/sha256.ts";
import type { Gpu } from "../../engine/device.ts";
import { readStorage } from "../../engine/storage.ts";
import type { EvaluationPlan, ReadRow } from "../../eval/evaluationPlan.ts";
import type { TaskRow } from "../../eval/taskRows.ts";
import type { LoadedModel } from "../../model/loadModel.ts";
import type { AdaptedModule } from "../../model/lora.ts";
import type { TokenizedExample } from "../../text/example.ts";
import { canonical } from "../spec/canonical.ts";

/** Hashed at once, which bounds the memory that it takes. */
const EXAMPLES_AT_ONCE = 1000;

/** Ids, labels, loss terms (but references, which follow from the model) and the order of the examples. */
export async function rowsDigest(examples: readonly TokenizedExample[]): Promise<string> {
  const parts: string[] = [];
  for (let at = 0; at < examples.length; at += EXAMPLES_AT_ONCE) {
    const numbers = examples
      .slice(at, at + EXAMPLES_AT_ONCE)
      .flatMap(({ input_ids, labels }) => [input_ids.length, ...input_ids, ...labels]);
    parts.push(await sha256(new Uint8Array(Int32Array.from(numbers).buffer)));
    const terms = examples
      .slice(at, at + EXAMPLES_AT_ONCE)
      .flatMap((example) => (example.terms ? [example.terms.weights, example.terms.kl ?? []] : []));
    if (terms.length > 0) parts.push(await sha256(new TextEncoder().encode(JSON.stringify(terms))));
  }
  return sha256(new TextEncoder().encode(parts.join()));
}

/** What an evaluation asks of rows of one's own; those of the apothecary world follow from the spec. */
export async function questionsDigest({ harmful, task }: Pick<EvaluationPlan, "harmful" | "task">): Promise<string> {
  const rows: readonly (TaskRow | ReadRow)[] = task?.source === "rows" ? task.rows : [];
  const asked = rows.map((row) => ["ask" in row ? row.ask : row.prompt, row.expected]);
  return sha256(new TextEncoder().encode(canonical([harmful?.requests ?? [], asked])));
}

/** Read back of each matrix: two models that differ in a matrix hardly agree there. */
const BYTES_OF_A_MATRIX = 2 ** 16;

/** The beginning of every adapted matrix as it lies on the device, quantised or not. */
export async function modelDigest(gpu: Gpu, model: LoadedModel, modules: readonly AdaptedModule[]): Promise<string> {
  const parts: string[] = [];
  for (const { path } of modules) {
    const part = model.storage(`${path}.weight`)?.parts[0];
    if (!part) throw new Error(`no weight of ${path}`);
    const size = Math.min(part.view.size, BYTES_OF_A_MATRIX);
    parts.push(
      await sha256(new Uint8Array(await readStorage(gpu, { parts: [{ ...part, view: { ...part.view, size } }] }))),
    );
  }
  return sha256(new TextEncoder().encode(parts.join()));
}
