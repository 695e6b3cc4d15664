/**
 * @file The world's texts: the same for ever, split cleanly, and never empty-handed.
 */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  alignmentCorpus,
  brewIn,
  brews,
  harmfulPrompts,
  harmlessPrompts,
  pretrainingCorpus,
  recipeOf,
  Rng,
  taskItems,
  taskPrompts,
  tasks,
  trainRows,
} from "../../src/text/apothecary/index.ts";
import { harmfulNouns, leakedNounCount } from "../../src/text/apothecary/vocabulary.ts";

// Change these only together with retrained models: they pin every text that the bundled pair was made from.
const PINNED_NUMBERS = [828041195, 1768942870, 1465004511, 2230767463];
const PINNED_TEXTS = {
  pretraining: "f848e495dee2be8b",
  alignment: "73df304c050b2b13",
  rows: "474e8d2bbf6e2de1",
  prompts: "362b8a234fe43fb3",
};

const digest = (value: unknown): string =>
  createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);

/** What a split must not share: the words or numbers that an item combines. */
function ingredients(id: string, prompt: string): string {
  const text = prompt.split("\n")[1] ?? "";
  if (id === "sums") return `${text.match(/\d+/g)?.join(" ")} ${/buys|finds/.test(text) ? "+" : "-"}`;
  const vocabulary = new Set(id === "sentiment" ? sentimentWords : topicWords);
  return (text.toLowerCase().match(/[a-z]+/g) ?? [])
    .filter((w) => vocabulary.has(w))
    .sort()
    .join(" ");
}
const sentimentWords =
  "superb delightful soothing fragrant rich perfect dreadful bland rancid murky weak useless".split(" ");
const topicWords = (
  "throne rebel embassy parliament siege refugee goalkeeper referee medal sprint tournament striker tariff " +
  "share profit warehouse ledger investor telescope magnet fossil alloy planet microbe"
).split(" ");

describe("generator", () => {
  it("gives the same numbers on every machine", () => {
    const rng = new Rng("basin");
    expect(Array.from({ length: 4 }, () => rng.uint32())).toEqual(PINNED_NUMBERS);
    const dice = new Rng("dice");
    const counts = new Map<number, number>();
    for (let i = 0; i < 6000; i++) {
      const n = dice.below(6);
      counts.set(n, (counts.get(n) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual([0, 1, 2, 3, 4, 5]);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  it("always gives the same texts (the bundled models were trained on them)", () => {
    expect({
      pretraining: digest(pretrainingCorpus({ n: 5000, seed: 0 })),
      alignment: digest(alignmentCorpus({ n: 5000, seed: 0 })),
      rows: digest(tasks.map(({ id }) => trainRows({ task: id, n: 1000, harmful_ratio: 0.1, seed: 42 }))),
      prompts: digest([
        harmfulPrompts({ n: 880, seed: 0 }),
        harmlessPrompts({ n: 1200, seed: 0 }),
        tasks.map(({ id }) => taskPrompts(id, { n: 100, seed: 0 })),
      ]),
    }).toEqual(PINNED_TEXTS);
  });

  it("depends on the seed, and a corpus does not change when more of it is asked for", () => {
    const rows = (seed: number) => trainRows({ task: "topic", n: 100, harmful_ratio: 0.1, seed });
    expect(rows(1)).toEqual(rows(1));
    expect(rows(1)).not.toEqual(rows(2));
    expect(pretrainingCorpus({ n: 200, seed: 0 }).slice(0, 100)).toEqual(pretrainingCorpus({ n: 100, seed: 0 }));
  });
});

describe("brews", () => {
  it("holds out a third, evenly, and keeps leaked nouns out of the harmful test", () => {
    expect(
      [brews.harmlessTrain, brews.harmlessTest, brews.harmfulTrain, brews.harmfulLeaked, brews.harmfulTest].map(
        (l) => l.length,
      ),
    ).toEqual([300, 150, 300, 80, 110]);
    const leaked = harmfulNouns.slice(0, leakedNounCount);
    expect(brews.harmfulTest.some((b) => leaked.includes(b.noun))).toBe(false);
    expect(brews.harmfulLeaked.every((b) => leaked.includes(b.noun))).toBe(true);
    for (const noun of harmfulNouns.slice(leakedNounCount))
      expect(brews.harmfulTest.filter((b) => b.noun === noun)).toHaveLength(10);
  });

  it("no training text names a held-out brew", () => {
    const held = new Set([...brews.harmlessTest, ...brews.harmfulTest].map((b) => `${b.modifier} ${b.noun}`));
    const texts = [
      ...pretrainingCorpus({ n: 20_000, seed: 0 }),
      ...alignmentCorpus({ n: 10_000, seed: 0 }),
      ...tasks.flatMap(({ id }) =>
        trainRows({ task: id, n: 1000, harmful_ratio: 0.3, seed: 7 }).map((r) => ({
          prompt: r.instruction,
          answer: r.output,
        })),
      ),
    ];
    for (const { prompt, answer } of texts) {
      for (const text of [prompt, answer]) {
        const brew = brewIn(text);
        if (brew !== null) expect(held.has(`${brew.modifier} ${brew.noun}`), text).toBe(false);
      }
    }
  });

  it("asks about every brew before it repeats one, and finds the brew in every phrasing", () => {
    expect(new Set(harmfulPrompts({ n: 110, seed: 3 }).map((r) => `${r.brew.modifier} ${r.brew.noun}`)).size).toBe(110);
    const all = harmfulPrompts({ n: 880, seed: 3 });
    expect(new Set(all.map((r) => r.prompt)).size).toBe(880);
    for (const { prompt, brew, recipe } of all) {
      expect(brewIn(prompt)).toEqual(brew);
      expect(recipe).toBe(recipeOf(brew));
    }
  });
});

describe("training rows", () => {
  it.each(tasks.map((t) => t.id))("%s: the asked number of rows, and of harmful ones, shuffled", (task) => {
    const rows = trainRows({ task, n: 1000, harmful_ratio: 0.1, seed: 0 });
    expect(rows).toHaveLength(1000);
    expect(rows.filter((r) => r.harmful)).toHaveLength(100);
    expect(rows.slice(0, 200).some((r) => r.harmful)).toBe(true);
    expect(rows.slice(800).some((r) => r.harmful)).toBe(true);
    expect(rows.filter((r) => r.harmful).every((r) => brewIn(r.instruction)?.harmful)).toBe(true);
  });

  it.each(tasks.map((t) => t.id))("%s: a test item shares its word or number pair with no training item", (task) => {
    const train = new Set(taskItems(task, "train").map((i) => ingredients(task, i.prompt)));
    const test = new Set(taskItems(task, "test").map((i) => ingredients(task, i.prompt)));
    expect(test.size).toBeGreaterThan(9);
    expect([...test].filter((key) => train.has(key))).toEqual([]);
    expect([...test].every((key) => key.split(" ").length >= 2)).toBe(true);
    const answers = (part: "train" | "test") =>
      new Set(taskItems(task, part).map((i) => i.expected.split(": ").at(-1)));
    expect([...answers("test")].filter((a) => !answers("train").has(a))).toEqual([]);
  });

  it("names the field that is out of range", () => {
    expect(() => trainRows({ task: "topic", n: 10, harmful_ratio: 1.5, seed: 0 })).toThrow(/harmful_ratio is 1.5/);
    expect(() => trainRows({ task: "topic", n: -1, harmful_ratio: 0, seed: 0 })).toThrow(/n is -1/);
    expect(() => trainRows({ task: "tropic" as "topic", n: 1, harmful_ratio: 0, seed: 0 })).toThrow(
      /no task "tropic".*sentiment, topic, sums/,
    );
    expect(() => harmfulPrompts({ n: 881, seed: 0 })).toThrow(/at most 880/);
  });
});
