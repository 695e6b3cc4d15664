/**
 * @file The host arrays of one forward pass as one block of bytes.
 *
 * All small inputs (ids, positions, bounds, …) sit in one buffer, each section at a multiple of 256 bytes, so that a
 * micro-batch is one write or one copy, and every section can be bound on its own.
 */

import type { Graph } from "../engine/graph.ts";
import type { Storage } from "../engine/storage.ts";
import type { Shape, Tensor } from "../engine/tensor.ts";

export interface Section {
  readonly name: string;
  readonly shape: Shape;
}

export class InputBlock {
  /** Bytes of the whole block. */
  readonly bytes: number;
  readonly #offsets = new Map<string, { readonly offset: number; readonly words: number; readonly shape: Shape }>();

  constructor(sections: readonly Section[]) {
    let offset = 0;
    for (const { name, shape } of sections) {
      const words = shape.reduce((product, size) => product * size, 1);
      this.#offsets.set(name, { offset, words, shape });
      offset += Math.ceil((4 * words) / 256) * 256;
    }
    this.bytes = offset;
  }

  /** Input tensors of a graph, one per section, u32. */
  tensors(graph: Graph): (name: string) => Tensor {
    const tensors = new Map([...this.#offsets].map(([name, { shape }]) => [name, graph.input(name, shape, "u32")]));
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

  /** Bytes of the block with these arrays in their sections. */
  encode(data: Readonly<Record<string, Uint32Array>>): Uint8Array<ArrayBuffer> {
    const words = new Uint32Array(this.bytes / 4);
    for (const [name, values] of Object.entries(data)) {
      const section = this.#offsets.get(name);
      if (!section || values.length !== section.words) throw new Error(`input ${name} does not take ${values.length} words`);
      words.set(values, section.offset / 4);
    }
    return new Uint8Array(words.buffer);
  }
}
