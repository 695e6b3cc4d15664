/**
 * @file Computing layers again: what the plan then takes, and that nothing reads a value that has been given up. No
 * device.
 */

import { describe, expect, it } from "vitest";
import { backward } from "../../src/engine/backward.ts";
import { Graph, type Operator } from "../../src/engine/graph.ts";
import { planMemory } from "../../src/engine/plan.ts";
import type { Tensor } from "../../src/engine/tensor.ts";
import { parseConfig } from "../../src/model/families.ts";
import { linearModules } from "../../src/model/layout.ts";
import { adaptedModule } from "../../src/model/lora.ts";
import { trainingGraph } from "../../src/train/trainingGraph.ts";

interface Shape {
  readonly layers: number;
  readonly tokens: number;
  readonly targets?: RegExp;
  readonly labels?: number;
}

const HIDDEN = 96;

function step({ layers, tokens, targets = /(q|v)_proj$/, labels = 16 }: Shape, activationCheckpointing: boolean) {
  const config = parseConfig({
    model_type: "llama",
    hidden_size: HIDDEN,
    intermediate_size: 256,
    num_hidden_layers: layers,
    num_attention_heads: 6,
    num_key_value_heads: 2,
    vocab_size: 64,
    tie_word_embeddings: true,
  });
  const modules = linearModules(config)
    .filter(({ path }) => targets.test(path))
    .map((module) => adaptedModule(module, { r: 4, lora_alpha: 8, use_rslora: false }));
  const model = { config, dtype: () => "bf16" as const, modules, dropout: 0.1, activationCheckpointing };
  return trainingGraph(model, { tokens, labels }, tokens);
}

describe("layers computed again", () => {
  it("take the layers' inputs and about one layer more", () => {
    const tokens = 256;
    const boundary = 4 * tokens * HIDDEN;
    for (const targets of [/(q|v)_proj$/, /_proj$/]) {
      const bytes = (layers: number, activationCheckpointing: boolean): number =>
        step({ layers, tokens, targets }, activationCheckpointing).plan.activationBytes;
      const perLayer = (bytes(24, true) - bytes(12, true)) / 12;
      const keptPerLayer = (bytes(24, false) - bytes(12, false)) / 12;
      // Each further layer costs its input and nothing else, where keeping costs eleven times as much or more.
      expect(perLayer).toBe(boundary);
      expect(keptPerLayer).toBeGreaterThan(11 * boundary);
      // Beside the inputs there is about one layer, forward and reverse at a time.
      const rest = bytes(24, true) - 24 * boundary;
      expect(rest).toBeGreaterThan(keptPerLayer);
      expect(rest).toBeLessThan(2 * keptPerLayer);
    }
  });

  it("computes nothing again below the first adapter, and no value that the reverse pass does not read", () => {
    const { graph } = step({ layers: 4, tokens: 16, targets: /layers\.[23]\.self_attn\.v_proj$/ }, true);
    const times = new Map<string, number>();
    for (const { operator, outputs } of graph.nodes) {
      for (const { name, kind } of outputs)
        if (kind === "value" && !name.includes("∂"))
          times.set(`${operator.name} ${name}`, (times.get(`${operator.name} ${name}`) ?? 0) + 1);
    }
    const twice = [...times].filter(([, count]) => count > 1).map(([name]) => name);
    expect(twice.some((name) => /layers\.[01]\./.test(name))).toBe(false);
    expect(twice).toContain("attention model.layers.3.self_attn");
    // The last product and sum of a layer end in the next one's input, which is kept.
    expect(twice).not.toContain("linear model.layers.3.mlp.down_proj");
    expect(twice).not.toContain("linear model.layers.2.mlp.down_proj");
    expect([...times.values()].every((count) => count <= 2)).toBe(true);
  });

  it("reads only values that stand in their slots", () => {
    for (const activationCheckpointing of [false, true]) {
      const { graph, plan: planned } = step({ layers: 3, tokens: 16, targets: /_proj$/ }, activationCheckpointing);
      const owner = new Map<number, Tensor>();
      for (const node of graph.nodes) {
        for (const input of node.inputs) {
          const slot = planned.slotOf.get(input);
          if (slot !== undefined) expect(owner.get(slot), `${input.name} at ${node.operator.name}`).toBe(input);
        }
        for (const output of node.outputs) {
          const slot = planned.slotOf.get(output);
          if (slot !== undefined) owner.set(slot, output);
        }
      }
    }
  });

  it("gives the gradient of a value inside a segment, and refuses segments that overlap", () => {
    const graph = new Graph();
    const square: Operator<{ x: Tensor; y: Tensor }> = {
      name: "square",
      encode: () => undefined,
      backward: ({ attributes: { x, y } }, tape) => {
        const dy = tape.gradient(y);
        if (!dy) return;
        const dx = tape.graph.value(`∂ ${x.name}`, x.shape);
        tape.graph.add(times, undefined, [x, dy], [dx]);
        tape.setGradient(x, dx);
      },
    };
    const times: Operator = { name: "times", encode: () => undefined };
    const apply = (x: Tensor, name: string): Tensor => {
      const y = graph.value(name, x.shape);
      graph.add(square, { x, y }, [x], [y]);
      return y;
    };
    const x = graph.input("x", [4]);
    const a = apply(x, "a");
    const b = apply(a, "b");
    graph.checkpointActivations(0);
    const seed = graph.input("seed", [4]);
    const gradients = backward(graph, {
      seeds: new Map([[b, seed]]),
      wrt: new Set([x, a]),
      add: (_, first) => first,
    });
    // a is computed again for ∂a = 2 a ∂b; b is not.
    expect(graph.nodes.map(({ operator, outputs }) => `${operator.name} ${outputs[0]?.name}`)).toEqual([
      "square a",
      "square b",
      "square a",
      "times ∂ a",
      "times ∂ x",
    ]);
    expect(gradients.get(a)?.name).toBe("∂ a");
    expect(gradients.get(x)?.name).toBe("∂ x");
    expect(planMemory(graph).slotOf.get(a)).toBeDefined();
    expect(() => graph.checkpointActivations(1)).toThrow(/overlap/);
  });
});
