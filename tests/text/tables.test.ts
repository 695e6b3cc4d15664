/** @file Files as tables: JSON, CSV, plain text and Parquet, and what is said of malformed ones. */
import { parquetWriteBuffer } from "hyparquet-writer";
import { gzipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { BasinError } from "../../src/base/error.ts";
import { Rng } from "../../src/base/rng.ts";
import { parseTable, readTable } from "../../src/text/data/readTable.ts";
import { memoryFile, type DataFile, type ReadLimits, type Table } from "../../src/text/data/table.ts";

const file = (name: string, text: string): DataFile => memoryFile(name, new TextEncoder().encode(text));

async function failure(work: Promise<unknown>): Promise<BasinError> {
  const error = await work.then(
    () => null,
    (cause: unknown) => cause,
  );
  if (error instanceof BasinError) return error;
  throw error ?? new Error("nothing was thrown");
}

const csv = (text: string, name = "f.csv"): Promise<Table> => readTable(file(name, text));

describe("CSV", () => {
  it("may contain quotes, doubled quotes and line breaks; lines are counted as an editor does", async () => {
    const table = await csv('question,answer\n"one, two","say ""yes"""\n"a\nb\nc",d\r\nlast,row\n');
    expect(table.columns).toEqual(["question", "answer"]);
    expect(table.rows).toEqual([
      { question: "one, two", answer: 'say "yes"' },
      { question: "a\nb\nc", answer: "d" },
      { question: "last", answer: "row" },
    ]);
    expect([0, 1, 2].map((row) => table.where(row))).toEqual(["f.csv line 2", "f.csv line 3", "f.csv line 6"]);
  });

  it.each([
    ["a byte order mark, CRLF and blank lines", "\ufeffa,b\r\n\r\n1,2\r\n\r\n3,4\r\n", "f.csv line 5"],
    ["semicolons", "a;b\n1;2\n3;4", "f.csv line 3"],
    ["tabs", "a\tb\n1\t2\n3\t4", "f.csv line 3"],
    ["bars", "a|b\n1|2\n3|4", "f.csv line 3"],
    ["a delimiter behind the last field", "a,b\n1,2,\n3,4,\n", "f.csv line 3"],
    ["names with spaces around", " a , b\n1,2\n3,4", "f.csv line 3"],
    ["line ends of old Macintoshes", "a,b\r1,2\r3,4", "f.csv line 3"],
  ])("may have %s", async (_, text, where) => {
    const table = await csv(text);
    expect(table.rows).toEqual([
      { a: "1", b: "2" },
      { a: "3", b: "4" },
    ]);
    expect(table.where(1)).toBe(where);
  });

  it("may have a single column", async () => {
    expect((await csv("text\none, two\nthree\n", "f.txt.csv")).columns).toEqual(["text"]);
  });

  it("is recognised by its first line where the file name says nothing", async () => {
    expect((await parseTable("question,answer\na,b\n", "pasted text")).rows).toEqual([{ question: "a", answer: "b" }]);
    expect((await parseTable("Well, this is a text.\n\nAnd another, too.", "pasted text")).rows).toEqual([
      { text: "Well, this is a text." },
      { text: "And another, too." },
    ]);
  });

  it.each([
    ["too few fields", "a,b,c\n1,2,3\n4,5\n", /2 fields, the first line names 3 \(a, b, c\)/, "f.csv line 3"],
    ["too many fields", "a,b\n1,2\n3,4,5\n", /3 fields, the first line names 2/, "f.csv line 3"],
    ["a quote that is never closed", 'a,b\n1,2\n"3,4\n5,6\n', /opened here and never closed/, "f.csv line 3"],
    ["text behind a closing quote", 'a,b\n"1" x,2\n', /text after the closing quote/, "f.csv line 2"],
    ["nothing", "\n\n", /empty/, "f.csv"],
  ])("with %s is refused by line", async (_, text, what, where) => {
    const error = await failure(csv(text));
    expect(error.what).toMatch(what);
    expect(error.where).toBe(where);
  });

  it("columns without a name and of one name are called as pandas calls them", async () => {
    expect((await csv(",a,a,,a\n0,1,2,3,4\n")).rows).toEqual([
      { "Unnamed: 0": "0", a: "1", "a.1": "2", "Unnamed: 3": "3", "a.2": "4" },
    ]);
  });

  it("a first line sep=; names the delimiter, and the other lines keep their numbers", async () => {
    const table = await csv('sep=;\r\na;b\r\n1,5;"x;y"\r\n');
    expect(table.rows).toEqual([{ a: "1,5", b: "x;y" }]);
    expect(table.where(0)).toBe("f.csv line 3");
  });

  it("is read no further than the requested rows", async () => {
    const table = await readTable(file("f.csv", "a,b\n1,2\n3,4\n5\n"), { maxRows: 2 });
    expect(table.rows).toHaveLength(2);
  });
});

describe("other texts", () => {
  it.each(["train.parquet", "train.jsonl", "train.csv", "train.txt"])(
    "a Git LFS pointer called %s is not taken for rows",
    async (name) => {
      const text = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935\nsize 12345\n";
      const error = await failure(readTable(file(name, text)));
      expect(error.what).toMatch(/Git LFS pointer/);
      expect(error.where).toBe(name);
    },
  );

  it.each([
    ["gzip", [0x1f, 0x8b, 8, 0], /gzip/],
    ["a spreadsheet", [0x50, 0x4b, 3, 4], /spreadsheet/],
    ["UTF-16", [0xff, 0xfe, 0x61, 0], /UTF-16/],
    ["Latin-1", [0x61, 0xe9, 0x0a, 0x62], /not UTF-8/],
  ])("%s is named for what it is", async (_, bytes, what) => {
    expect((await failure(readTable(memoryFile("f.csv", Uint8Array.from(bytes))))).what).toMatch(what);
  });

  it("a JSON object over several lines is one row", async () => {
    expect((await readTable(file("f.json", '{\n "question": "a",\n "answer": "b"\n}\n'))).rows).toEqual([
      { question: "a", answer: "b" },
    ]);
  });

  it("JSON Lines are recognised under the name of a table", async () => {
    expect((await readTable(file("f.csv", '{"question": "a", "answer": "b"}\n'))).rows).toEqual([
      { question: "a", answer: "b" },
    ]);
    expect((await failure(readTable(file("f.jsonl", "question,answer\na,b\n")))).where).toBe("f.jsonl line 1");
  });

  it("each paragraph of a text is a row with its line number", async () => {
    const table = await readTable(file("f.txt", "One\ntwo.\n\n\nThree.\r\n"));
    expect(table.rows).toEqual([{ text: "One\ntwo." }, { text: "Three." }]);
    expect([table.where(0), table.where(1)]).toEqual(["f.txt line 1", "f.txt line 5"]);
  });

  it("a text in pieces is decoded without breaking characters", async () => {
    const long = `${"é🙂".repeat(1_000_000)}`;
    const table = await readTable(file("f.jsonl", JSON.stringify({ text: long })));
    expect(table.rows[0]?.text).toBe(long);
  });
});

/** Counts the bytes that are read. */
function counted(name: string, buffer: ArrayBuffer): { file: DataFile; read: () => number } {
  let bytes = 0;
  const inner = memoryFile(name, new Uint8Array(buffer));
  return {
    file: {
      ...inner,
      read: (start, end) => {
        bytes += end - start;
        return inner.read(start, end);
      },
    },
    read: () => bytes,
  };
}

const noise = (n: number, length: number): string[] => {
  const rng = new Rng("noise");
  return Array.from({ length: n }, () =>
    Array.from({ length }, () => String.fromCharCode(33 + rng.below(90))).join(""),
  );
};

describe("Parquet", () => {
  it("is read with snappy, several row groups, 64-bit numbers and the hub's class names", async () => {
    const n = 50;
    const text = Array.from({ length: n }, (_, i) => `text ${i}`);
    const label = BigInt64Array.from({ length: n }, (_, i) => BigInt(i % 4));
    const buffer = parquetWriteBuffer({
      columnData: [
        { name: "text", data: text, type: "STRING" },
        { name: "label", data: [...label], type: "INT64" },
      ],
      rowGroupSize: 16,
      kvMetadata: [
        {
          key: "huggingface",
          value: JSON.stringify({
            info: {
              features: {
                text: { dtype: "string", _type: "Value" },
                label: { names: ["World", "Sports", "Business", "Sci/Tech"], _type: "ClassLabel" },
              },
            },
          }),
        },
      ],
    });
    const table = await readTable(memoryFile("f.parquet", new Uint8Array(buffer)));
    expect(table.columns).toEqual(["text", "label"]);
    expect(table.rows).toEqual(text.map((value, i) => ({ text: value, label: i % 4 })));
    expect(table.labelNames.get("label")).toEqual(["World", "Sports", "Business", "Sci/Tech"]);
    expect(table.where(16)).toBe("f.parquet row 17");
  });

  it("is read with gzip", async () => {
    const text = Array.from({ length: 300 }, (_, i) => `a text that repeats itself, ${i % 3}`);
    const buffer = parquetWriteBuffer({
      columnData: [{ name: "text", data: text, type: "STRING" }],
      codec: "GZIP",
      compressors: { GZIP: (bytes: Uint8Array) => gzipSync(bytes) },
    });
    expect(
      (await readTable(memoryFile("f.parquet", new Uint8Array(buffer)))).rows.map(({ text: read }) => read),
    ).toEqual(text);
  });

  it("is read with a list of messages in every row", async () => {
    const messages = [
      [
        { role: "user", content: "a" },
        { role: "assistant", content: "b" },
      ],
      [
        { role: "user", content: "c" },
        { role: "assistant", content: "d" },
        { role: "user", content: "e" },
      ],
    ];
    const buffer = parquetWriteBuffer({
      columnData: [{ name: "messages", data: messages }],
      schema: [
        { name: "root", num_children: 1 },
        { name: "messages", repetition_type: "OPTIONAL", num_children: 1, converted_type: "LIST" },
        { name: "list", repetition_type: "REPEATED", num_children: 1 },
        { name: "element", repetition_type: "OPTIONAL", num_children: 2 },
        { name: "role", repetition_type: "OPTIONAL", type: "BYTE_ARRAY", converted_type: "UTF8" },
        { name: "content", repetition_type: "OPTIONAL", type: "BYTE_ARRAY", converted_type: "UTF8" },
      ],
    });
    expect((await readTable(memoryFile("f.parquet", new Uint8Array(buffer)))).rows).toEqual(
      messages.map((list) => ({ messages: list })),
    );
  });

  const wide = parquetWriteBuffer({
    columnData: [
      { name: "question", data: noise(400, 20), type: "STRING" },
      { name: "answer", data: noise(400, 20), type: "STRING" },
      { name: "page", data: noise(400, 4000), type: "STRING" },
    ],
    rowGroupSize: 100,
  });

  it.each<[string, ReadLimits, number]>([
    [
      "only the needed columns",
      { pickColumns: (columns) => columns.filter((column) => column !== "page") },
      64 * 1024 + 30_000,
    ],
    ["only the needed row groups", { maxRows: 100 }, 64 * 1024 + 450_000],
    ["only the footer for its columns", { pickColumns: () => [] }, 64 * 1024 + 10],
  ])("reads %s", async (_, limits, most) => {
    expect(wide.byteLength).toBeGreaterThan(1_600_000);
    const { file: source, read } = counted("f.parquet", wide);
    const table = await readTable(source, limits);
    expect(table.columns).toEqual(["question", "answer", "page"]);
    expect(read()).toBeLessThan(most);
  });

  it("is refused when cut off or not Parquet", async () => {
    const whole = new Uint8Array(wide);
    for (const bytes of [whole.subarray(0, 1000), whole.subarray(0, whole.length - 9), whole.subarray(0, 4)]) {
      const error = await failure(readTable(memoryFile("f.parquet", bytes)));
      expect(error.what).toMatch(/Parquet file cannot be read/);
      expect(error.where).toBe("f.parquet");
    }
    const broken = whole.slice();
    broken.fill(0x5a, 4, 600);
    await expect(readTable(memoryFile("f.parquet", broken))).rejects.toBeInstanceOf(BasinError);
  });
});
