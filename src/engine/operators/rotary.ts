/**
 * @file Rotary position embedding (Su et al. 2021, arXiv 2104.09864) as Hugging Face's Llama and Qwen2 compute it.
 *
 * Element i of a head is paired with element i + headDim/2 (`rotate_half`), not with its neighbour as in the paper;
 * weights on the hub are permuted for that. A rotation is orthogonal, so the gradient is rotated back by that angle.
 */

import type { Graph, Operator } from "../graph.ts";
import { rotaryFamily } from "../kernels.ts";
import type { Tensor } from "../tensor.ts";

interface RotaryAttributes {
  readonly x: Tensor;
  readonly table: Tensor;
  readonly positions: Tensor;
  readonly y: Tensor;
  readonly headDim: number;
  readonly direction: 1 | -1;
}

/**
 * @param x [T, heads · headDim]
 * @param cosSin f32 [P, headDim], see `rotaryTable`
 * @param positions u32[T], below P
 * @returns x with every head rotated by its token's position, [T, heads · headDim]
 * @throws Error when headDim is odd or does not divide the width of x
 */
export function rotary(graph: Graph, x: Tensor, cosSin: Tensor, positions: Tensor, headDim: number): Tensor {
  if (headDim % 2 !== 0 || (x.shape[1] ?? 0) % headDim !== 0) {
    throw new Error(`rotary embedding of ${x.name}: rows of ${x.shape[1]} do not hold heads of ${headDim}`);
  }
  return rotate(graph, x, { table: cosSin, positions, headDim, direction: 1 });
}

function rotate(
  graph: Graph,
  x: Tensor,
  settings: Pick<RotaryAttributes, "table" | "positions" | "headDim" | "direction">,
): Tensor {
  const y = graph.value(`${settings.direction === 1 ? "rotated" : "∂"} ${x.name}`, x.shape);
  graph.add(rotaryOperator, { ...settings, x, y }, [x, settings.table, settings.positions], [y]);
  return y;
}

const rotaryOperator: Operator<RotaryAttributes> = {
  name: "rotary",
  inPlace: { output: 0, input: 0 },
  encode: ({ attributes: { x, table, positions, y, headDim, direction } }, encoder) => {
    encoder.ensureInPlace(x, y);
    const heads = (y.shape[1] ?? 1) / headDim;
    for (const range of encoder.ranges(y, positions)) {
      encoder.dispatch({
        family: rotaryFamily,
        entry: "rotary",
        bindings: { table: encoder.whole(table), positions: encoder.rows(positions, range), y: encoder.rows(y, range) },
        params: { tokens: range.rows, heads, half: headDim / 2, positions: table.shape[0] ?? 1, direction },
        groups: (range.rows * heads * headDim) / 512,
        flops: 3 * range.rows * heads * headDim,
      });
    }
  },
  backward: ({ attributes: { x, table, positions, y, headDim, direction } }, tape) => {
    const dy = tape.gradient(y);
    if (!dy || !tape.needsGradient(x)) return;
    tape.addGradient(x, rotate(tape.graph, dy, { table, positions, headDim, direction: direction === 1 ? -1 : 1 }));
  },
};

export interface RotaryTableOptions {
  readonly headDim: number;
  readonly theta: number;
  /** Rows of the table: positions 0 to `positions` − 1. */
  readonly positions: number;
  /** Llama 3.1's stretching of long wavelengths; none by default. */
  readonly scaling?: {
    readonly type: "llama3";
    readonly factor: number;
    readonly lowFreqFactor: number;
    readonly highFreqFactor: number;
    readonly originalMaxPositions: number;
  };
}

/**
 * Cosines and sines, [positions, headDim] (headDim/2 of each), with transformers' roundings: the inverse frequencies
 * are float32 and so is their product with the position. At position 4000 that shifts angles by up to 2e-4, so exact
 * angles would *not* give transformers' numbers.
 */
export function rotaryTable(options: RotaryTableOptions): Float32Array {
  const { headDim, positions } = options;
  const half = headDim / 2;
  const frequencies = inverseFrequencies(options);
  const table = new Float32Array(positions * headDim);
  for (let position = 0; position < positions; position++) {
    for (let i = 0; i < half; i++) {
      const angle = f32(position * (frequencies[i] ?? 0));
      table[position * headDim + i] = Math.cos(angle);
      table[position * headDim + half + i] = Math.sin(angle);
    }
  }
  return table;
}

const f32 = Math.fround;

function inverseFrequencies({ headDim, theta, scaling }: RotaryTableOptions): Float32Array {
  const frequencies = Float32Array.from({ length: headDim / 2 }, (_, i) =>
    f32(1 / f32(Math.pow(f32(theta), f32((2 * i) / headDim)))),
  );
  if (!scaling) return frequencies;
  const { factor, lowFreqFactor: low, highFreqFactor: high, originalMaxPositions: length } = scaling;
  return frequencies.map((frequency) => {
    const wavelength = f32(f32(2 * Math.PI) / frequency);
    if (wavelength < f32(length / high)) return frequency;
    if (wavelength > f32(length / low)) return f32(frequency / factor);
    const smooth = f32(f32(f32(length / wavelength) - low) / (high - low));
    return f32(f32(f32(f32(1 - smooth) * frequency) / factor) + f32(smooth * frequency));
  });
}
