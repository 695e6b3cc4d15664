/**
 * @file The small inputs of a pass (ids, positions, bounds, …) as one block of bytes: each section at a multiple of 256
 * bytes, so that a batch is one write or one copy, and every section can be bound on its own.
 *
 *     ids  positions  bounds  bounds within 512  …        one `bounds` per distinct window of the model's layers
 */
import type { Graph } from "../engine/graph.ts";
import type { Storage } from "../engine/storage.ts";
import type { Shape, Tensor } from "../engine/tensor.ts";

export interface Section {
  readonly name: string;
  readonly shape: Shape;
  /** u32 unless given. */
  readonly dtype?: "f32";
}

export class InputBlock {
  /** Bytes of the whole block. */
  readonly bytes: number;
  readonly #offsets = new Map<string, Section & { readonly offset: number; readonly words: number }>();

  constructor(sections: readonly Section[]) {
    let offset = 0;
    for (const section of sections) {
      const { name, shape } = section;
      const words = shape.reduce((product, size) => product * size, 1);
      this.#offsets.set(name, { ...section, offset, words });
      offset += Math.ceil((4 * words) / 256) * 256;
    }
    this.bytes = offset;
  }

  /** Input tensors of a graph, one per section. */
  tensors(graph: Graph): (name: string) => Tensor {
    const tensors = new Map(
      [...this.#offsets].map(([name, { shape, dtype }]) => [name, graph.input(name, shape, dtype ?? "u32")]),
    );
    return (name) => {
      const tensor = tensors.get(name);
      if (!tensor) throw new Error(`no input ${name}`);
      return tensor;
    };
  }

  /** Words of a section. */
  words(name: string): number {
    const section = this.#offsets.get(name);
    if (!section) throw new Error(`no input ${name}`);
    return section.words;
  }

  storageIn(buffer: GPUBuffer, name: string): Storage | undefined {
    const section = this.#offsets.get(name);
    if (!section) return undefined;
    const view = { buffer, offset: section.offset, size: Math.max(4, 4 * section.words) };
    return { parts: [{ row: 0, rows: section.shape[0] ?? 1, view }] };
  }

  /**
   * Bytes of the block with these arrays in their sections.
   * @param memory where they are written, at least the block's bytes; by default a new array
   */
  encode(
    data: Readonly<Record<string, Uint32Array>>,
    memory = new Uint32Array(this.bytes / 4),
  ): Uint8Array<ArrayBuffer> {
    const words = memory.subarray(0, this.bytes / 4).fill(0);
    for (const [name, values] of Object.entries(data)) {
      const section = this.#offsets.get(name);
      if (!section || values.length !== section.words)
        throw new Error(`input ${name} does not take ${values.length} words`);
      words.set(values, section.offset / 4);
    }
    return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  }
}
