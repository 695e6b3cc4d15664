/**
 * @file Token embedding: y[t] = scale · table[ids[t]], and the deterministic scatter-add of its gradient.
 *
 * The table keeps the checkpoint's type and may have several parts; each dispatch writes only the tokens whose id is in
 * its part. The gradient of a trainable table is added without atomics: a first kernel links the tokens of equal id to
 * chains, then the first token of each chain adds up the rest in order, so the sum is the same in every run.
 */

import type { Graph, Operator } from "../graph.ts";
import { embeddingFamily } from "../kernels.ts";
import type { Tensor } from "../tensor.ts";
import { weightFormat } from "./weightFormat.ts";

interface EmbeddingAttributes {
  readonly ids: Tensor;
  readonly table: Tensor;
  readonly y: Tensor;
  readonly scale: number;
}

interface ScatterAttributes {
  readonly ids: Tensor;
  readonly dy: Tensor;
  readonly gradient: Tensor;
  readonly next: Tensor;
  readonly scale: number;
}

/**
 * @param ids u32[T]; an id that is V or more gives zeros (the host checks ids before)
 * @param table [V, d], f32, bf16 or f16
 * @param options scale: factor of each row (Gemma's sqrt(d)); 1 by default
 * @returns [T, d]
 */
export function embedding(graph: Graph, ids: Tensor, table: Tensor, options: { readonly scale?: number } = {}): Tensor {
  const [tokens = 1] = ids.shape;
  const [, width = 1] = table.shape;
  const y = graph.value("embedded tokens", [tokens, width]);
  graph.add(embeddingOperator, { ids, table, y, scale: options.scale ?? 1 }, [ids, table], [y]);
  return y;
}

const embeddingOperator: Operator<EmbeddingAttributes> = {
  name: "embedding",
  encode: ({ attributes: { ids, table, y, scale } }, encoder) => {
    const [vocabulary = 1, width = 1] = table.shape;
    for (const tokens of encoder.ranges(ids, y)) {
      for (const part of encoder.ranges(table)) {
        encoder.dispatch({
          family: embeddingFamily,
          entry: "embedding",
          constants: weightFormat(table, encoder.fastPaths),
          bindings: { ids: encoder.rows(ids, tokens), table: encoder.rows(table, part), y: encoder.rows(y, tokens) },
          params: { count: tokens.rows, width, first: part.row, rows: part.rows, vocabulary, scale },
          groups: (tokens.rows * width) / 256,
        });
      }
    }
  },
  backward: ({ attributes: { ids, table, y, scale } }, tape) => {
    const dy = tape.gradient(y);
    if (!dy || !tape.needsGradient(table)) return;
    if (table.kind !== "parameter")
      throw new Error(`the gradient of embedding table ${table.name} needs a parameter, not a ${table.kind}`);
    const gradient = tape.parameterGradient(table);
    const next = tape.graph.value(`next token like this, ${table.name}`, ids.shape, "u32");
    tape.graph.add(scatterOperator, { ids, dy, gradient, next, scale }, [ids, dy], [gradient, next]);
  },
};

const scatterOperator: Operator<ScatterAttributes> = {
  name: "embeddingBackward",
  encode: ({ attributes: { ids, dy, gradient, next, scale } }, encoder) => {
    const [vocabulary = 1, width = 1] = gradient.shape;
    // Chains stay inside a range of tokens; ranges add to the gradient one after the other.
    for (const tokens of encoder.ranges(ids, dy, next)) {
      const chains = encoder.rows(next, tokens);
      const common = { count: tokens.rows, width, vocabulary, scale };
      encoder.dispatch({
        family: embeddingFamily,
        entry: "link",
        bindings: { ids: encoder.rows(ids, tokens), next: chains },
        params: { ...common, first: 0, rows: vocabulary },
        groups: tokens.rows / 64,
      });
      for (const part of encoder.ranges(gradient)) {
        encoder.dispatch({
          family: embeddingFamily,
          entry: "scatter",
          bindings: {
            ids: encoder.rows(ids, tokens),
            next: chains,
            dy: encoder.rows(dy, tokens),
            gradient: encoder.rows(gradient, part),
          },
          params: { ...common, first: part.row, rows: part.rows },
          groups: (tokens.rows * width) / 256,
          flops: tokens.rows * width,
        });
      }
    }
  },
};
