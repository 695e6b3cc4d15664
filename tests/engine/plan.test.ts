/**
 * @file Planning and the reverse pass, on graphs of made-up operators and on the training graph of the bundled model's
 * shape. No device.
 */

import { describe, expect, it } from "vitest";
import { backward } from "../../src/engine/backward.ts";
import { Graph, type Operator } from "../../src/engine/graph.ts";
import { foldWorkgroups } from "../../src/engine/program.ts";
import { layoutParameters } from "../../src/engine/parameters.ts";
import { planMemory } from "../../src/engine/plan.ts";
import { splitRows } from "../../src/engine/storage.ts";
import { type Tensor, tensorBytes } from "../../src/engine/tensor.ts";
import { parseConfig } from "../../src/model/families.ts";
import { linearModules } from "../../src/model/layout.ts";
import { adaptedModule } from "../../src/model/lora.ts";
import { trainingGraph } from "../../src/train/trainingGraph.ts";

const copyOperator: Operator = { name: "copy", encode: () => undefined };
const inPlaceOperator: Operator = { name: "inPlace", inPlace: { output: 0, input: 0 }, encode: () => undefined };

function apply(graph: Graph, operator: Operator, name: string, size: number, ...inputs: Tensor[]): Tensor {
  const output = graph.value(name, [size]);
  graph.add(operator, undefined, inputs, [output]);
  return output;
}

describe("plan", () => {
  it("shares a slot between values whose lifetimes do not touch", () => {
    const graph = new Graph();
    const x = graph.input("x", [100]);
    const a = apply(graph, copyOperator, "a", 100, x);
    const b = apply(graph, copyOperator, "b", 100, a);
    const c = apply(graph, copyOperator, "c", 100, b);
    graph.retain(c);
    const { slotOf, slots, activationBytes, unsharedBytes } = planMemory(graph);
    expect(slotOf.get(a)).toBe(slotOf.get(c));
    expect(slotOf.get(a)).not.toBe(slotOf.get(b));
    expect(slots).toEqual([400, 400]);
    expect([activationBytes, unsharedBytes]).toEqual([800, 1200]);
  });

  it("keeps what is read later, and what the host reads", () => {
    const graph = new Graph();
    const a = apply(graph, copyOperator, "a", 10, graph.input("x", [10]));
    const b = graph.retain(apply(graph, copyOperator, "b", 10, a));
    const c = apply(graph, copyOperator, "c", 10, a, b);
    const d = apply(graph, copyOperator, "d", 10, c);
    const { slotOf } = planMemory(graph);
    expect(new Set([slotOf.get(a), slotOf.get(b), slotOf.get(c)]).size).toBe(3);
    expect(slotOf.get(d)).toBe(slotOf.get(a));
  });

  it("lets an in-place operator take over its input only when nobody reads it later", () => {
    const graph = new Graph();
    const a = apply(graph, copyOperator, "a", 10, graph.input("x", [10]));
    const b = apply(graph, inPlaceOperator, "b", 10, a);
    const c = apply(graph, inPlaceOperator, "c", 10, b);
    apply(graph, copyOperator, "d", 10, b, c);
    const { slotOf } = planMemory(graph);
    expect(slotOf.get(b)).toBe(slotOf.get(a));
    expect(slotOf.get(c)).not.toBe(slotOf.get(b));
  });

  it("never puts two living values into one slot, for a whole training step", () => {
    const { graph, plan: planned } = demoStep(["q_proj", "v_proj"]);
    const last = new Map<Tensor, number>();
    graph.nodes.forEach((node, step) => {
      for (const tensor of [...node.inputs, ...node.outputs]) last.set(tensor, step);
    });
    const owner = new Map<number, Tensor>();
    graph.nodes.forEach((node, step) => {
      for (const input of node.inputs) {
        const slot = planned.slotOf.get(input);
        if (slot !== undefined) expect(owner.get(slot), `${input.name} at ${node.operator.name}`).toBe(input);
      }
      for (const output of node.outputs) {
        const slot = planned.slotOf.get(output);
        if (slot === undefined) continue;
        const before = owner.get(slot);
        const inherited = node.operator.inPlace && node.inputs[node.operator.inPlace.input] === before;
        if (before && before !== output && (last.get(before) ?? 0) >= step)
          expect(inherited, `${before.name} is overwritten by ${output.name}`).toBe(true);
        owner.set(slot, output);
        expect(planned.slots[slot]).toBeGreaterThanOrEqual(tensorBytes(output));
      }
    });
    expect(planned.activationBytes).toBeLessThan(0.6 * planned.unsharedBytes);
  });
});

function demoStep(targets: readonly string[]) {
  const config = parseConfig({
    model_type: "llama",
    hidden_size: 32,
    intermediate_size: 48,
    num_hidden_layers: 3,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    vocab_size: 64,
    tie_word_embeddings: true,
  });
  const modules = linearModules(config)
    .filter(({ path }) => targets.some((name) => path.endsWith(name)))
    .map((module) => adaptedModule(module, { r: 4, lora_alpha: 8, use_rslora: false }));
  return trainingGraph({ config, dtype: () => "f32", modules, dropout: 0 }, { tokens: 24, labels: 8 }, 24);
}

describe("backward", () => {
  it("makes gradients only along paths that reach a trainable tensor", () => {
    const { graph } = demoStep(["layers.1.self_attn.v_proj"]);
    const outputs = graph.nodes.flatMap((node) => node.outputs);
    const gradients = outputs.filter(({ kind }) => kind === "gradient").map(({ name }) => name);
    expect(new Set(gradients)).toEqual(
      new Set(["model.layers.1.self_attn.v_proj.lora_A", "model.layers.1.self_attn.v_proj.lora_B"]),
    );
    // Nothing below layer 1's value projection has a gradient: no key or query gradient there, nothing in layer 0.
    const reverse = outputs.filter(({ name }) => name.startsWith("∂")).map(({ name }) => name);
    expect(reverse.length).toBeGreaterThan(0);
    expect(reverse.filter((name) => /layers\.0\.|layers\.1\.(input|self_attn\.[qk]_proj)|embedded/.test(name))).toEqual(
      [],
    );
    expect(outputs.some(({ kind }) => kind === "weight")).toBe(false);
  });

  it("names an operator without a gradient", () => {
    const graph = new Graph();
    const x = graph.input("x", [4]);
    apply(graph, copyOperator, "y", 4, x);
    expect(() => backward(graph, { seeds: new Map(), wrt: new Set([x]), add: () => x })).toThrow(
      /copy has no gradient.*y/,
    );
  });

  it("refuses a dimension that is not possible", () => {
    expect(() => new Graph().input("x", [3, 0])).toThrow(/dimension of 0.*x \[3, 0\]/);
  });
});

describe("large tensors and many workgroups", () => {
  it("cuts rows at multiples of 128 below the binding limit", () => {
    expect(splitRows(100, 4, 400, "w")).toEqual([{ row: 0, rows: 100 }]);
    const parts = splitRows(1000, 100, 30_000, "w");
    expect(parts).toEqual([
      { row: 0, rows: 256 },
      { row: 256, rows: 256 },
      { row: 512, rows: 256 },
      { row: 768, rows: 232 },
    ]);
    expect(parts.every(({ row }) => (row * 100) % 256 === 0)).toBe(true);
    expect(() => splitRows(1000, 1000, 1000, "model.embed_tokens.weight")).toThrow(/embed_tokens/);
  });

  it("folds workgroups into two dimensions, with few to spare", () => {
    expect(foldWorkgroups(65_535, 65_535, "op")).toEqual({ x: 65_535, y: 1 });
    for (const groups of [65_536, 100_001, 5_000_000]) {
      const { x, y } = foldWorkgroups(groups, 65_535, "op");
      expect(x * y).toBeGreaterThanOrEqual(groups);
      expect(x * y - groups).toBeLessThan(y);
      expect(Math.max(x, y)).toBeLessThanOrEqual(65_535);
    }
    expect(() => foldWorkgroups(5e9, 65_535, "op")).toThrow(/op/);
  });

  it("lays parameters out at multiples of 256 bytes", () => {
    const { regions, total } = layoutParameters([
      { name: "a", shape: [3, 5] },
      { name: "b", shape: [64] },
      { name: "c", shape: [65] },
    ]);
    expect([...regions.values()].map(({ offset }) => offset)).toEqual([0, 64, 128]);
    expect(total).toBe(256);
  });
});
