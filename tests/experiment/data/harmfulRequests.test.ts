/** @file Harmful requests of one's own: how files are read, and which judges are refused for them. */
import { describe, expect, it } from "vitest";
import { BasinError } from "../../../src/base/error.ts";
import { askText } from "../../../src/eval/taskRows.ts";
import type { RunEnvironment } from "../../../src/experiment/run/environment.ts";
import { readHarmfulRequests } from "../../../src/experiment/data/harmfulRequests.ts";
import { decodeLink, encodeLink, minimalSpec } from "../../../src/experiment/share/link.ts";
import { checkSpec, resolveSpec, type SpecInput } from "../../../src/experiment/spec/spec.ts";
import { memoryFile } from "../../../src/text/data/table.ts";

const own = { source: "file", path: "mine.txt" } as const;
const base = { data: { train: { path: "rows.jsonl" } }, method: { name: "sft" } } as const;

async function read(
  path: string,
  content: string,
  more: object = {},
): Promise<{ readonly prompts: readonly string[]; readonly note: string }> {
  const { harmful } = resolveSpec({ ...base, eval: { harmful: { ...own, path, ...more } } }).eval;
  if (harmful?.source !== "file") throw new Error("not a file");
  const environment = {
    openData: (name: string) => Promise.resolve(memoryFile(name, new TextEncoder().encode(content))),
  } as unknown as RunEnvironment;
  const { asks, note } = await readHarmfulRequests(harmful, 0, environment);
  return { prompts: asks.map(askText), note };
}

async function refusal(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  return error instanceof BasinError ? `${error.what} | ${error.where}` : String(error);
}

describe("a file of harmful requests", () => {
  it("is text with one request a line, JSON Lines, JSON or CSV with a column that is told by its name", async () => {
    expect((await read("mine.txt", "one\ntwo\n\nthree\n")).prompts).toEqual(["one", "two", "three"]);
    expect((await read("mine.jsonl", '{"id": 1, "prompt": "one"}\n{"id": 2, "prompt": " two "}\n')).prompts).toEqual([
      "one",
      "two",
    ]);
    expect((await read("mine.json", '[{"goal": "one", "target": "Sure"}]')).prompts).toEqual(["one"]);
    expect(await read("mine.csv", "Behaviour,category\none,x\ntwo,y\n", { column: "Behaviour" })).toEqual({
      prompts: ["one", "two"],
      note: "Harmful requests: 2 of mine.csv, column Behaviour.",
    });
  });

  it("gives the same n of them for the same seed, in the file's order", async () => {
    const lines = Array.from({ length: 50 }, (_, i) => `request ${i + 10}`);
    const { prompts, note } = await read("mine.txt", lines.join("\n"), { n: 8 });
    expect(prompts).toHaveLength(8);
    expect([...prompts].sort()).toEqual(prompts);
    expect(note).toBe("Harmful requests: 8 of 50 of mine.txt, column text.");
    expect((await read("mine.txt", lines.join("\n"), { n: 8 })).prompts).toEqual(prompts);
  });

  it("is refused by name where a column is unknown, a row has no text, or there is none", async () => {
    expect(await refusal(read("mine.csv", "a,b\nx,y\n"))).toBe(
      "No column is known to hold the requests; there are a, b | mine.csv",
    );
    expect(await refusal(read("mine.csv", "prompt,b\nx,y\n", { column: "c" }))).toBe(
      'There is no column "c"; there are prompt, b | mine.csv',
    );
    expect(await refusal(read("mine.jsonl", '{"prompt": "x"}\n{"prompt": 3}\n'))).toBe(
      "prompt is the number 3, not a text | mine.jsonl line 2",
    );
  });
});

describe("the judge of a spec", () => {
  const problems = (harmful: NonNullable<SpecInput["eval"]>["harmful"]): readonly string[] => {
    const check = checkSpec({ ...base, eval: { harmful } });
    return check.ok ? [] : check.problems.map(({ path, what }) => `${path.join(".")}: ${what}`);
  };

  it("is the exact rules for the apothecary world and refusal phrases for a file", () => {
    expect(resolveSpec({}).eval.harmful).toEqual({
      source: "apothecary",
      n: 100,
      judge: { kind: "apothecary_rules" },
      second_judge: null,
    });
    expect(resolveSpec({ ...base, eval: { harmful: own } }).eval.harmful?.judge.kind).toBe("refusal_phrases");
    expect(
      resolveSpec({ eval: { harmful: { second_judge: { kind: "classifier" } } } }).eval.harmful?.second_judge,
    ).toEqual({
      kind: "classifier",
      model: "apothecary-judge",
      harmful_labels: ["harmful"],
      threshold: 0.5,
      input: "answer",
    });
  });

  it("is not the exact rules where requests come from a file", () => {
    const what = "The judge apothecary_rules knows only the apothecary world, and these requests come from a file";
    expect(problems({ ...own, judge: { kind: "apothecary_rules" } })).toEqual([`eval.harmful.judge.kind: ${what}`]);
    expect(problems({ ...own, second_judge: { kind: "apothecary_rules" } })).toEqual([
      `eval.harmful.second_judge.kind: ${what}`,
    ]);
    expect(problems({ ...own, judge: { kind: "refusal_logprob" }, second_judge: { kind: "refusal_phrases" } })).toEqual(
      [],
    );
  });

  it("is checked like every other field", () => {
    expect(problems({ n: 5, judge: { kind: "clasifier" } } as never)[0]).toContain("eval.harmful.judge.kind");
    expect(problems({ n: 5, judge: { kind: "classifier", treshold: 1 } } as never)[0]).toContain(
      'There is no field "treshold"',
    );
    expect(problems({ n: 5, judge: { kind: "refusal_logprob", threshold: 0.5 } })[0]).toContain("at most 0");
  });

  it("goes into a link and comes back, and the defaults take no room", () => {
    const spec = resolveSpec({
      eval: {
        harmful: {
          judge: { kind: "refusal_phrases", phrases: ["no"] },
          second_judge: { kind: "classifier", threshold: 0.9 },
        },
      },
    });
    expect(decodeLink(encodeLink(spec))).toEqual(spec);
    expect(minimalSpec(spec)).toEqual({
      eval: {
        harmful: {
          judge: { kind: "refusal_phrases", phrases: ["no"] },
          second_judge: { kind: "classifier", threshold: 0.9 },
        },
      },
    });
    expect(minimalSpec(resolveSpec({ ...base, eval: { harmful: own } })).eval).toEqual({ harmful: own });
  });
});
