/** @file From a spec's data to rows: files, pasted text and datasets of a hub; what is told about it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeEnvironment } from "../../../src/cli/environment.ts";
import { BasinError } from "../../../src/base/error.ts";
import type { RunEnvironment } from "../../../src/experiment/run/environment.ts";
import { convertedParts, ownParts } from "../../../src/experiment/data/hubDataset.ts";
import {
  describeData,
  loadRows,
  readColumns,
  tokenizeForRun,
  type RunRows,
} from "../../../src/experiment/data/runData.ts";
import { resolveSpec, type SpecInput } from "../../../src/experiment/spec/spec.ts";
import { hubSource } from "../../../src/weights/hubSource.ts";
import { demoTokenizer, openDemo } from "../../support/demo.ts";
import { parseConfig } from "../../../src/model/families.ts";
import { DatasetHub } from "./datasetHub.ts";

type Data = NonNullable<SpecInput["data"]>;
const specOf = (data: Data): ReturnType<typeof resolveSpec> => resolveSpec({ data, method: { name: "sft" } });

const folder = mkdtempSync(join(tmpdir(), "basin-data-"));
afterAll(() => rmSync(folder, { recursive: true }));

const hub = new DatasetHub({
  "owner/news": {
    main: { "README.md": Buffer.from("x") },
    "refs/convert/parquet": {
      "default/train/0000.parquet": part(0, 20),
      "default/train/0001.parquet": part(20, 20),
      "default/test/0000.parquet": part(100, 5),
      "other/partial-train/0000.parquet": part(200, 3),
    },
  },
  "owner/plain": {
    main: {
      "data/train.jsonl": Buffer.from('{"question":"a","answer":"b"}\n'),
      "data/test.csv": Buffer.from("question,answer\nc,d\n"),
      "dataset_infos.json": Buffer.from("{}"),
    },
  },
  gsm: {
    main: {},
    "refs/convert/parquet": { "main/train/0000.parquet": part(0, 2), "socratic/train/0000.parquet": part(0, 2) },
  },
});
let environment: RunEnvironment;
beforeAll(async () => {
  await hub.start();
  environment = {
    ...nodeEnvironment(),
    openDataset: (repo, revision) => hubSource({ repo, revision, type: "dataset", hubUrl: hub.base }),
  };
});
afterAll(() => hub.stop());

function part(from: number, n: number): Uint8Array {
  const features = { text: { _type: "Value" }, label: { _type: "ClassLabel", names: ["World", "Sports"] } };
  return new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: "text", data: Array.from({ length: n }, (_, i) => `text ${from + i}`), type: "STRING" },
        { name: "label", data: Array.from({ length: n }, (_, i) => BigInt(i % 2)), type: "INT64" },
      ],
      rowGroupSize: 8,
      kvMetadata: [{ key: "huggingface", value: JSON.stringify({ info: { features } }) }],
    }),
  );
}

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

async function failure(work: Promise<unknown>): Promise<BasinError> {
  const error = await work.then(
    () => null,
    (cause: unknown) => cause,
  );
  if (error instanceof BasinError) return error;
  throw error ?? new Error("nothing was thrown");
}

const load = (data: Data): Promise<RunRows> => loadRows(specOf(data), environment);

describe("a file", () => {
  it("of the layout that specs have always named", async () => {
    const path = write("rows.jsonl", '{"instruction":"a","output":"b"}\n\n{"instruction":"c","output":"d"}\n');
    const rows = await load({ train: { path, format: "instruction" } });
    expect(rows.rows).toEqual([
      { kind: "instruction", instruction: "a", output: "b" },
      { kind: "instruction", instruction: "c", output: "d" },
    ]);
    expect(rows.where(1)).toBe(`${path} line 3`);
    expect([rows.heldOut, rows.notes, rows.problems]).toEqual([[], [], []]);
  });

  it("of CSV, with columns named, rows held out, repetitions and bad rows left out: all of it told", async () => {
    const lines = Array.from({ length: 10 }, (_, i) => `${i},q${i % 8},a${i % 8}`);
    const path = write("rows.csv", `id,ask,reply\n${lines.join("\n")}\n`);
    const data: Data = {
      train: { path, columns: { instruction: "ask", output: "reply" } },
      selection: { deduplicate: true, validation_split: 3, shuffle_seed: 1, max_rows: 4 },
    };
    const rows = await load(data);
    expect([rows.rows.length, rows.heldOut.length]).toEqual([4, 3]);
    expect(new Set([...rows.rows, ...rows.heldOut].map((row) => JSON.stringify(row))).size).toBe(7);
    expect(rows.notes).toEqual([
      `2 of 10 rows left out as repetitions: ${path} line 10 repeats ${path} ` +
        `line 2, ${path} line 11 repeats ${path} line 3.`,
      "3 of 10 rows held out for evaluation.",
      "1 rows left out beyond the first 4 (selection.max_rows).",
    ]);
    const [first] = rows.rows;
    const line = first?.kind === "instruction" ? Number(first.instruction.slice(1)) + 2 : 0;
    expect(rows.where(0)).toBe(`${path} line ${line}`);
    const files = {
      tokenizer: await demoTokenizer(),
      config: parseConfig((await openDemo("apothecary-aligned")).config),
    };
    expect(describeData(specOf(data), rows, tokenizeForRun(specOf(data), rows, files))[0]).toBe(
      "Columns as given: instruction from ask; output from reply.",
    );
  });

  it("with rows that do not fit: the first is named, or they are left out and told", async () => {
    const path = write("bad.jsonl", '{"question":"a","answer":"b"}\n{"question":"c"}\n{"question":"e","answer":"f"}\n');
    expect((await failure(load({ train: { path } }))).where).toBe(`${path} line 2`);
    const rows = await load({ train: { path }, bad_rows: "drop" });
    expect(rows.rows).toHaveLength(2);
    expect(rows.where(1)).toBe(`${path} line 3`);
    expect(rows.notes).toEqual([
      `1 of 3 rows left out because they do not fit: ${path} line 2 (The ` +
        "field answer is missing (the row has question)).",
    ]);
  });

  it("that is missing, or a folder, is named", async () => {
    expect((await failure(load({ train: { path: join(folder, "none.csv") } }))).what).toContain("There is no file");
    expect((await failure(load({ train: { path: folder } }))).what).toContain("is a folder");
  });

  it("whose columns are not recognised still tells them", async () => {
    const spec = specOf({ train: { path: write("odd.csv", "premise,gold\na,b\n") } });
    expect((await failure(loadRows(spec, environment))).what).toContain("there are: premise, gold");
    expect(await readColumns(spec, environment)).toEqual(["premise", "gold"]);
  });
});

describe("pasted text", () => {
  it("is JSON Lines, CSV or paragraphs", async () => {
    const kinds = async (text: string): Promise<unknown[]> =>
      (await load({ train: { source: "text", text } })).rows.map(({ kind }) => kind);
    expect(await kinds('{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}')).toEqual([
      "chat",
    ]);
    expect(await kinds("question,answer\na,b")).toEqual(["instruction"]);
    expect(await kinds("A paragraph.\n\nAnother.")).toEqual(["text", "text"]);
  });
});

describe("a dataset of the hub", () => {
  const repo = "owner/news";
  it("is read from the hub's Parquet conversion: all files of the split, classes by their names", async () => {
    const { rows, where, account } = await load({ train: { source: "hub", repo } });
    expect(rows).toHaveLength(40);
    expect(rows[21]).toEqual({
      kind: "instruction",
      instruction: "Classify the text. Answer with one of: World, Sports.",
      input: "text 21",
      output: "Sports",
    });
    expect(where(21)).toBe("owner/news: default/train/0001.parquet row 2");
    expect(account?.columns).toEqual(["text", "label"]);
    expect((await load({ train: { source: "hub", repo, split: "test" } })).rows).toHaveLength(5);
    expect((await load({ train: { source: "hub", repo, config: "other" } })).rows).toHaveLength(3);
  });

  it("fetches no more files than the first rows need", async () => {
    const before = hub.sent;
    expect((await load({ train: { source: "hub", repo }, selection: { max_rows: 5 } })).rows).toHaveLength(5);
    const few = hub.sent - before;
    await load({ train: { source: "hub", repo } });
    expect(few).toBeLessThan((hub.sent - before - few) / 1.5);
  });

  it("without a conversion, or at a revision, is read from its own files", async () => {
    expect((await load({ train: { source: "hub", repo: "owner/plain" } })).rows).toEqual([
      { kind: "instruction", instruction: "a", output: "b" },
    ]);
    const test = await load({ train: { source: "hub", repo: "owner/plain", revision: "main", split: "test" } });
    expect(test.rows).toEqual([{ kind: "instruction", instruction: "c", output: "d" }]);
    expect(test.where(0)).toBe("owner/plain: data/test.csv line 2");
  });

  it.each<[string, Extract<Data["train"], { source: "hub" }>, RegExp, RegExp]>([
    ["several configurations", { source: "hub", repo: "gsm" }, /several configurations/, /one of: main, socratic/],
    [
      "no such configuration",
      { source: "hub", repo: "gsm", config: "mian" },
      /no configuration "mian"/,
      /main, socratic/,
    ],
    ["no such split", { source: "hub", repo, split: "validation" }, /no split "validation"/, /train, test/],
    ["no such revision", { source: "hub", repo, revision: "v9" }, /revision "v9"/, /./],
    ["no such dataset", { source: "hub", repo: "owner/none" }, /owner\/none/, /token/],
    ["no data files", { source: "hub", repo, revision: "main" }, /no Parquet, JSON or CSV/, /to_parquet/],
  ])("with %s says what there is", async (_, train, what, fix) => {
    const error = await failure(load({ train }));
    expect(error.what).toMatch(what);
    expect(error.fix).toMatch(fix);
  });

  it("is taken apart by the paths of its files", () => {
    expect(convertedParts(["main/train/0000.parquet", "main/partial-test/0000.parquet", "README.md"])).toEqual([
      { path: "main/train/0000.parquet", config: "main", split: "train" },
      { path: "main/partial-test/0000.parquet", config: "main", split: "test" },
    ]);
    expect(
      ownParts([
        "data/train-00000-of-00002.parquet",
        "en/validation.jsonl",
        "test.csv",
        "all.json",
        "dataset_info.json",
        "notes.txt",
      ]),
    ).toEqual([
      { path: "data/train-00000-of-00002.parquet", config: "default", split: "train" },
      { path: "en/validation.jsonl", config: "en", split: "validation" },
      { path: "test.csv", config: "default", split: "test" },
      { path: "all.json", config: "default", split: "train" },
    ]);
  });
});
