/** @file What feeds a decoder: one bounds array per distinct window, clipped as transformers masks. */

import { describe, expect, it } from "vitest";
import { Graph } from "../../src/engine/graph.ts";
import { parseConfig } from "../../src/model/families.ts";
import { InputBlock } from "../../src/batch/inputBlock.ts";
import { cacheLayout } from "../../src/model/kvCache.ts";
import { tokenArrays, tokenSections, tokenTensors, withinWindow } from "../../src/batch/tokenInputs.ts";
import { packBatch } from "../../src/batch/packBatch.ts";
import { KNOWN_MODELS } from "../model/knownModels.ts";

function config(name: string): ReturnType<typeof parseConfig> {
  return parseConfig(KNOWN_MODELS.find((each) => each.name.endsWith(name))?.config);
}

const rows = [3, 9, 1, 6].map((length) => ({
  input_ids: Array.from({ length }, (_, t) => t),
  labels: Array.from({ length }, (_, t) => t),
}));

describe("withinWindow", () => {
  it.each([
    [true, 4],
    [false, 4],
    [true, 1],
    [false, 100],
  ])("packing %s, window %i: who sees whom", (packing, window) => {
    const batch = packBatch(rows, { packing, capacity: { tokens: 40, labels: 24 } });
    const full = pairs(batch.bounds);
    const clipped = withinWindow(batch.bounds, window);
    const expected = [...full.seen].filter((pair) => {
      const [query = 0, key = 0] = pair.split(" ").map(Number);
      return key > query - window;
    });
    expect([...pairs(clipped).seen].sort()).toEqual(expected.sort());
    // Queries of a key, from the other two columns, are the same relation.
    expect([...pairs(clipped).seenBy].sort()).toEqual(expected.sort());
    expect([...full.seen].sort()).toEqual([...full.seenBy].sort());
  });

  it("clips rows of a cache, whose sequences begin anywhere", () => {
    expect([...withinWindow(Uint32Array.of(64, 64 + 20, 0, 0, 64, 64 + 3, 0, 0), 8)]).toEqual([
      76, 84, 0, 0, 64, 67, 0, 0,
    ]);
  });
});

describe("the inputs of a decoder", () => {
  it.each([
    ["Llama-2-7b-chat-hf", ["bounds"], 1],
    ["gemma-2-2b-it", ["bounds within 4096", "bounds"], 1],
    ["gemma-3-1b-it", ["bounds within 512", "bounds"], 2],
    ["Phi-3-mini-4k-instruct", ["bounds within 2047"], 1],
  ])("%s: %j and %i rotary tables", (name, bounds, tables) => {
    const model = config(name);
    const sections = tokenSections(model, 8);
    expect(sections.map((section) => section.name)).toEqual(["ids", "positions", ...bounds]);
    const graph = new Graph();
    const block = new InputBlock(sections);
    const tensors = tokenTensors(graph, model, block.tensors(graph), 16);
    expect(graph.tensors.filter((tensor) => tensor.name.startsWith("rotary")).map(({ shape }) => shape)).toEqual(
      Array.from({ length: tables }, () => [16, model.headDim]),
    );
    model.layerKinds.forEach(({ window, rope }, layer) => {
      expect(tensors.bounds(layer).name).toBe(window === undefined ? "bounds" : `bounds within ${window}`);
      expect(tensors.rotaryTable(layer)?.name).toBe(rope === 0 ? "rotary table" : "rotary table 2");
    });
    const batch = packBatch(rows.slice(0, 1), { packing: true, capacity: { tokens: 8, labels: 8 } });
    expect(Object.keys(tokenArrays(model, batch))).toEqual(sections.map((section) => section.name));
    expect(() => block.encode(tokenArrays(model, batch))).not.toThrow();
  });

  it("leaves layers without positions unturned, and gives every layer its cache", () => {
    const model = config("SmolLM3-3B");
    const graph = new Graph();
    const tensors = tokenTensors(graph, model, new InputBlock(tokenSections(model, 4)).tensors(graph), 4);
    expect(tensors.rotaryTable(2)?.name).toBe("rotary table");
    expect(tensors.rotaryTable(3)).toBeUndefined();
    const cache = cacheLayout(model);
    expect(cache).toHaveLength(36);
    expect(new Set(cache.flatMap(({ keys, values }) => [keys, values])).size).toBe(72);
    expect(cache.every(({ width }) => width === 4 * 128)).toBe(true);
  });
});

/** "query key" for all pairs, from a query's keys and from a key's queries. */
function pairs(bounds: Uint32Array): { readonly seen: Set<string>; readonly seenBy: Set<string> } {
  const [seen, seenBy] = [new Set<string>(), new Set<string>()];
  for (let t = 0; 4 * t < bounds.length; t += 1) {
    const [kvStart = 0, kvEnd = 0, qStart = 0, qEnd = 0] = bounds.subarray(4 * t, 4 * t + 4);
    for (let key = kvStart; key < kvEnd; key += 1) seen.add(`${t} ${key}`);
    for (let query = qStart; query < qEnd; query += 1) seenBy.add(`${query} ${t}`);
  }
  return { seen, seenBy };
}
