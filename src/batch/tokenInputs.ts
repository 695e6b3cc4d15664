/**
 * @file The inputs that every decoder reads, as sections of the input block, as tensors of a graph, and as arrays made
 * from a batch: ids, positions, and the bounds of each distinct window among the model's layers. Rotary tables are
 * buffers of their own (model/rotaryTables.ts).
 */
import type { Graph } from "../engine/graph.ts";
import type { Tensor } from "../engine/tensor.ts";
import { type DecoderConfig, distinctWindows } from "../model/config.ts";
import type { TokenTensors } from "../model/decoder.ts";
import { rotaryTableName } from "../model/rotaryTables.ts";
import type { TokenBatch } from "./batch.ts";
import type { Section } from "./inputBlock.ts";

const boundsName = (window: number | undefined): string =>
  window === undefined ? "bounds" : `bounds within ${window}`;

/** The sections that a model needs for this many tokens. */
export function tokenSections(config: DecoderConfig, tokens: number): Section[] {
  return [
    { name: "ids", shape: [tokens] },
    { name: "positions", shape: [tokens] },
    ...distinctWindows(config).map((window) => ({ name: boundsName(window), shape: [tokens, 4] })),
  ];
}

/**
 * The tensors of a graph that those sections and the rotary tables feed.
 * @param input tensor of a section, see `InputBlock.tensors`
 * @param positions rows of the rotary tables
 */
export function tokenTensors(
  graph: Graph,
  config: DecoderConfig,
  input: (name: string) => Tensor,
  positions: number,
): TokenTensors {
  const tables = config.ropes.map((_, index) => graph.input(rotaryTableName(index), [positions, config.headDim]));
  const kind = (layer: number): DecoderConfig["layerKinds"][number] => {
    const found = config.layerKinds[layer];
    if (!found) throw new Error(`no layer ${layer}`);
    return found;
  };
  return {
    ids: input("ids"),
    positions: input("positions"),
    bounds: (layer) => input(boundsName(kind(layer).window)),
    rotaryTable: (layer) => {
      const { rope } = kind(layer);
      return rope === undefined ? undefined : tables[rope];
    },
  };
}

/** The arrays of those sections. */
export function tokenArrays(
  config: DecoderConfig,
  { ids, positions, bounds }: TokenBatch,
): Record<string, Uint32Array> {
  return {
    ids,
    positions,
    ...Object.fromEntries(
      distinctWindows(config).map((window) => [
        boundsName(window),
        window === undefined ? bounds : withinWindow(bounds, window),
      ]),
    ),
  };
}

/**
 * Bounds of layers that see a window: a query sees itself and the `window` - 1 keys before it (transformers:
 * `kv_idx > q_idx - sliding_window`), so a key is seen by itself and the `window` - 1 queries after it. Right for
 * packed and padded batches and for a cache that holds a sequence's rows in order, because the last key that a query
 * may see is its own.
 */
export function withinWindow(bounds: Uint32Array, window: number): Uint32Array {
  const clipped = Uint32Array.from(bounds);
  for (let at = 0; at < clipped.length; at += 4) {
    const [kvStart = 0, kvEnd = 0, qStart = 0, qEnd = 0] = bounds.subarray(at, at + 4);
    clipped[at] = Math.max(kvStart, kvEnd - window);
    clipped[at + 3] = Math.min(qEnd, qStart + window);
  }
  return clipped;
}
