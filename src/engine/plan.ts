/**
 * @file Memory by lifetime: which value lives in which slot, and how many bytes that takes, before anything is
 * allocated.
 *
 * Each slot becomes a buffer of its own. (Sub-ranges of one arena would forbid read-only bindings: WebGPU does not
 * allow one buffer to be read-only and writable in the same dispatch, even at disjoint ranges.) Two values share a slot
 * when their lifetimes do not touch. All lifetimes are known beforehand, so values are placed by size, largest first,
 * each in the smallest slot that is free for its whole life ("greedy by size", Pisarchyk & Lee 2020, arXiv
 * 2001.03288): a small value that lives long never occupies a slot that a large value needs.
 *
 *     step      0   1   2   3   4
 *     slot 0    a───a   c───────c
 *     slot 1        b───b   d───d
 */

import type { Graph, GraphNode } from "./graph.ts";
import { type Tensor, tensorBytes } from "./tensor.ts";

export interface MemoryPlan {
  /** Bytes of each slot. */
  readonly slots: readonly number[];
  /** Where each value lives. */
  readonly slotOf: ReadonlyMap<Tensor, number>;
  /** Sum of the slots: the bytes of one program's activations and gradients. */
  readonly activationBytes: number;
  /** Sum of all values if nothing were shared, to show what planning saves. */
  readonly unsharedBytes: number;
}

/** Plan the values of a graph. Pure: no device needed. */
export function planMemory(graph: Graph): MemoryPlan {
  const lives = lifetimes(graph);
  const slots: Slot[] = [];
  const slotOf = new Map<Tensor, number>();
  for (const life of [...lives].sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    // Slots stand in order of size, largest first, because they were opened in that order.
    let index = slots.length - 1;
    while (index >= 0 && slots[index]?.isFreeFor(life) !== true) index -= 1;
    if (index < 0) index = slots.push(new Slot(life.bytes)) - 1;
    slots[index]?.add(life);
    for (const value of life.values) slotOf.set(value, index);
  }
  return {
    slots: slots.map(({ bytes }) => bytes),
    slotOf,
    activationBytes: slots.reduce((sum, { bytes }) => sum + bytes, 0),
    unsharedBytes: lives.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** The steps [first, last] in which storage is occupied, by one value or by several in place of each other. */
interface Lifetime {
  readonly first: number;
  last: number;
  readonly bytes: number;
  readonly values: Tensor[];
}

class Slot {
  readonly bytes: number;
  /** In order of time. */
  readonly #lives: Lifetime[] = [];

  constructor(bytes: number) {
    this.bytes = bytes;
  }

  /** Whether nothing here is alive while `life` is. */
  isFreeFor(life: Lifetime): boolean {
    const place = this.#place(life);
    const before = this.#lives[place - 1];
    const after = this.#lives[place];
    return (before === undefined || before.last < life.first) && (after === undefined || after.first > life.last);
  }

  add(life: Lifetime): void {
    this.#lives.splice(this.#place(life), 0, life);
  }

  /** Where a life that begins then belongs in the order of time. */
  #place({ first }: Lifetime): number {
    let [low, high] = [0, this.#lives.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#lives[middle]?.first ?? 0) < first) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** When each value's storage is occupied; a value that is made in place of another shares that one's. */
function lifetimes(graph: Graph): Lifetime[] {
  const lastUse = new Map<Tensor, number>();
  graph.nodes.forEach((node, step) => {
    for (const tensor of [...node.inputs, ...node.outputs]) lastUse.set(tensor, step);
  });
  for (const tensor of graph.retained) lastUse.set(tensor, Number.POSITIVE_INFINITY);

  const lives: Lifetime[] = [];
  const lifeOf = new Map<Tensor, Lifetime>();
  graph.nodes.forEach((node, step) => {
    for (const output of node.outputs) {
      if (output.kind !== "value" || lifeOf.has(output)) continue;
      const last = lastUse.get(output) ?? step;
      let life = inheritedLifetime(node, output, step, lastUse, lifeOf);
      if (life) {
        life.last = Math.max(life.last, last);
        life.values.push(output);
      } else {
        life = { first: step, last, bytes: tensorBytes(output), values: [output] };
        lives.push(life);
      }
      lifeOf.set(output, life);
    }
  });
  return lives;
}

function inheritedLifetime(
  node: GraphNode,
  output: Tensor,
  step: number,
  lastUse: ReadonlyMap<Tensor, number>,
  lifeOf: ReadonlyMap<Tensor, Lifetime>,
): Lifetime | undefined {
  const rule = node.operator.inPlace;
  if (!rule || node.outputs[rule.output] !== output) return undefined;
  const input = node.inputs[rule.input];
  if (!input || input.kind !== "value" || lastUse.get(input) !== step) return undefined;
  if (node.inputs.filter((other) => other === input).length > 1) return undefined;
  return tensorBytes(input) === tensorBytes(output) ? lifeOf.get(input) : undefined;
}
