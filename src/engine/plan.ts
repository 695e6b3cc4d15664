/**
 * @file Memory by lifetime: which intermediate lives in which slot, and how many bytes that takes, before anything is allocated.
 *
 * Each slot becomes a buffer of its own. (Sub-ranges of one arena would forbid read-only bindings: WebGPU does not allow
 * one buffer to be read-only and writable in the same dispatch, even at disjoint ranges.) Two values share a slot when
 * their lifetimes do not touch; a fresh value takes the free slot that wastes least.
 *
 *     step      0   1   2   3   4
 *     slot 0    a───a   c───────c
 *     slot 1        b───b   d───d
 */

import type { Graph, GraphNode } from "./graph.ts";
import { type Tensor, tensorBytes } from "./tensor.ts";

export interface Plan {
  /** Bytes of each slot. */
  readonly slots: readonly number[];
  /** Where each value lives. */
  readonly slotOf: ReadonlyMap<Tensor, number>;
  /** Sum of the slots: what the activations and gradients of one program take. */
  readonly activationBytes: number;
  /** Sum of all values if nothing were shared, to show what planning saves. */
  readonly unsharedBytes: number;
}

/** Plan the values of a graph. Pure: no device needed. */
export function plan(graph: Graph): Plan {
  const lastUse = new Map<Tensor, number>();
  graph.nodes.forEach((node, step) => {
    for (const tensor of [...node.inputs, ...node.outputs]) lastUse.set(tensor, step);
  });
  for (const tensor of graph.kept) lastUse.set(tensor, Number.POSITIVE_INFINITY);

  const slots: number[] = [];
  const free = new Set<number>();
  const slotOf = new Map<Tensor, number>();
  let unsharedBytes = 0;

  graph.nodes.forEach((node, step) => {
    for (const output of node.outputs) {
      if (output.kind !== "value" || slotOf.has(output)) continue;
      const bytes = tensorBytes(output);
      const inherited = inheritedSlot(node, output, step, lastUse, slotOf);
      if (inherited !== undefined) {
        slotOf.set(output, inherited);
        continue;
      }
      unsharedBytes += bytes;
      const slot = bestFree(slots, free, bytes) ?? slots.push(0) - 1;
      free.delete(slot);
      slots[slot] = Math.max(slots[slot] ?? 0, bytes);
      slotOf.set(output, slot);
    }
    const dying = new Set<number>();
    const living = new Set<number>();
    for (const tensor of new Set([...node.inputs, ...node.outputs])) {
      const slot = slotOf.get(tensor);
      if (slot === undefined) continue;
      if ((lastUse.get(tensor) ?? step) <= step) dying.add(slot);
      else living.add(slot);
    }
    for (const slot of dying) if (!living.has(slot)) free.add(slot);
  });
  return { slots, slotOf, activationBytes: slots.reduce((sum, bytes) => sum + bytes, 0), unsharedBytes };
}

function inheritedSlot(
  node: GraphNode,
  output: Tensor,
  step: number,
  lastUse: ReadonlyMap<Tensor, number>,
  slotOf: ReadonlyMap<Tensor, number>,
): number | undefined {
  const rule = node.operator.inPlace;
  if (!rule || node.outputs[rule.output] !== output) return undefined;
  const input = node.inputs[rule.input];
  if (!input || input.kind !== "value" || lastUse.get(input) !== step) return undefined;
  if (node.inputs.filter((other) => other === input).length > 1) return undefined;
  return tensorBytes(input) === tensorBytes(output) ? slotOf.get(input) : undefined;
}

/** The free slot that fits with least waste; otherwise the largest one, which then grows. */
function bestFree(slots: readonly number[], free: ReadonlySet<number>, bytes: number): number | undefined {
  let fitting: number | undefined;
  let largest: number | undefined;
  for (const slot of free) {
    const size = slots[slot] ?? 0;
    if (size >= bytes && (fitting === undefined || size < (slots[fitting] ?? 0))) fitting = slot;
    if (largest === undefined || size > (slots[largest] ?? 0)) largest = slot;
  }
  // A slot twice as large as needed is better kept for a larger value, unless nothing else is free.
  return fitting ?? largest;
}
