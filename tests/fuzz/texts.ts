/** @file Fuzzed texts: datasets of every kind, tokenizers, chat templates. */
import { readFileSync } from "node:fs";
import { parquetWriteBuffer } from "hyparquet-writer";
import type { Rng } from "../../src/base/rng.ts";
import { jinjaFormat } from "../../src/text/chatTemplate.ts";
import { chooseColumns, completeMapping } from "../../src/text/data/mapping.ts";
import { readTable } from "../../src/text/data/readTable.ts";
import { mapRows } from "../../src/text/data/rows.ts";
import { memoryFile } from "../../src/text/data/table.ts";
import { loadTokenizer } from "../../src/text/tokenizer.ts";
import type { FuzzFormat } from "./harness.ts";
import { mutatedBytes, mutatedJson, mutatedText } from "./mutate.ts";

const FIXTURES = new URL("../fixtures/", import.meta.url);
const jsonOf = (path: string): unknown => JSON.parse(readFileSync(new URL(path, FIXTURES), "utf8"));
const encode = (text: string) => new TextEncoder().encode(text);

const ROWS: readonly (readonly Record<string, unknown>[])[] = [
  [
    { instruction: "Add.", input: "1 + 2", output: "3" },
    { instruction: "Name a tree.", input: "", output: "Oak, or “ash”." },
  ],
  [
    {
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "Hi" },
        { role: "assistant", content: "Hello." },
      ],
    },
  ],
  [
    {
      conversations: [
        { from: "human", value: "Hi" },
        { from: "gpt", value: "Hello." },
      ],
    },
  ],
  [
    { sentence: "a fine film", label: 1 },
    { sentence: "dull", label: 0 },
  ],
  [{ question: "1 + 1?", answer: "It is 2. #### 2" }],
  [{ input_ids: [1, 2, 3], labels: [-100, 2, 3] }],
  [{ text: "Once upon a time." }],
];

interface Dataset {
  readonly file: string;
  readonly bytes: Uint8Array;
}

function dataset(rng: Rng): Dataset {
  const rows = rng.pick(ROWS);
  switch (rng.below(5)) {
    case 0:
      return { file: "rows.json", bytes: encode(JSON.stringify(mutatedJson(rng, rows))) };
    case 1:
      return { file: "rows.json", bytes: encode(mutatedText(rng, JSON.stringify(rows))) };
    case 2: {
      const lines = rows.map((row) => JSON.stringify(rng.below(2) === 0 ? row : mutatedJson(rng, row)));
      return { file: "rows.jsonl", bytes: encode(mutatedText(rng, lines.join("\n"))) };
    }
    case 3:
      return {
        file: rng.pick(["rows.csv", "rows.tsv", "rows.txt", "rows"]),
        bytes: encode(mutatedText(rng, csv(rows))),
      };
    default:
      return { file: "rows.csv", bytes: mutatedBytes(rng, encode(csv(rows))) };
  }
}

function csv(rows: readonly Record<string, unknown>[]): string {
  const columns = Object.keys(rows[0] ?? {});
  const cell = (value: unknown) =>
    `"${String(typeof value === "object" ? JSON.stringify(value) : value).replaceAll('"', '""')}"`;
  return [columns.join(","), ...rows.map((row) => columns.map((column) => cell(row[column])).join(","))].join("\n");
}

/** From the file to rows, with the columns that are recognised, as a run reads it. */
async function readDataset({ file, bytes }: Dataset): Promise<void> {
  const table = await readTable(memoryFile(file, Uint8Array.from(bytes)));
  const mapping = completeMapping(chooseColumns(table.columns, {}, file), table, {});
  const { rows } = mapRows(table, mapping);
  if (rows.length > table.rows.length) throw new Error(`${rows.length} rows of ${table.rows.length}`);
}

const datasets: FuzzFormat = { name: "dataset", kinds: 20, input: dataset, read: readDataset };

/** Flat, nullable, repeated and compressed columns; text in a dictionary, booleans in runs. */
const PARQUETS: readonly Uint8Array[] = (["UNCOMPRESSED", "SNAPPY"] as const).map(
  (codec) =>
    new Uint8Array(
      parquetWriteBuffer({
        codec,
        columnData: [
          { name: "instruction", data: ["Add.", "Name a tree.", "Add.", "Add.", "Add."], type: "STRING" },
          { name: "output", data: ["3", "Oak.", null, "3", null], type: "STRING", nullable: true },
          { name: "label", data: [1, 0, 1, 1, 0], type: "INT32" },
          { name: "safe", data: [true, false, true, true, true], type: "BOOLEAN" },
          { name: "score", data: [0.5, null, 1, 2, 3], type: "DOUBLE" },
        ],
      }),
    ),
);

/** Where the footer begins: its length stands before the last four bytes. */
function footerOf(file: Uint8Array): number {
  return file.length - 8 - new DataView(file.buffer).getUint32(file.length - 8, true);
}

/** The footer mutated, or the pages, or the file cut off. */
const parquet: FuzzFormat = {
  name: "parquet",
  kinds: 3,
  input: (rng) => {
    const whole = rng.pick(PARQUETS);
    const footer = footerOf(whole);
    const join = (...parts: readonly Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));
    switch (rng.below(4)) {
      case 0:
        return whole.slice(0, rng.below(whole.length));
      case 1:
        return join(whole.subarray(0, footer), mutatedBytes(rng, whole.subarray(footer)));
      default:
        return join(mutatedInPlace(rng, whole.subarray(0, footer)), whole.subarray(footer));
    }
  },
  read: (bytes: Uint8Array<ArrayBuffer>) => readTable(memoryFile("rows.parquet", bytes)),
};

/** Other bytes at a few places: what comes after stays where it was. */
function mutatedInPlace(rng: Rng, bytes: Uint8Array): Uint8Array {
  const out = Uint8Array.from(bytes);
  for (let i = 1 + rng.below(4); i > 0; i -= 1) out[4 + rng.below(out.length - 4)] = rng.below(256);
  return out;
}

const TOKENIZERS = ["chatml", "metaspace"].map((name) => ({
  tokenizer: jsonOf(`tokenizers/${name}/tokenizer.json`),
  settings: jsonOf(`tokenizers/${name}/tokenizer_config.json`),
}));

const tokenizer: FuzzFormat = {
  name: "tokenizer.json",
  kinds: 3,
  input: (rng) => {
    const { tokenizer: file, settings } = rng.pick(TOKENIZERS);
    return rng.below(4) === 0
      ? { file, settings: mutatedJson(rng, settings) }
      : { file: mutatedJson(rng, file), settings };
  },
  read: async ({ file, settings }: { readonly file: unknown; readonly settings: unknown }) => {
    const texts: Readonly<Record<string, unknown>> = { "tokenizer.json": file, "tokenizer_config.json": settings };
    const read = (path: string) => Promise.resolve(path in texts ? JSON.stringify(texts[path]) : null);
    const ids = (await loadTokenizer(read, "fuzz")).encode("How do I brew a calming tonic? 12 é", {
      addSpecialTokens: true,
    });
    if (!ids.every((id) => Number.isSafeInteger(id) && id >= 0)) throw new Error(`token ids ${ids.join(", ")}`);
  },
};

const TEMPLATES = [
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n" +
    "' + message['content'] + '<|im_end|>' + '\n' }}" +
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
  "{{ bos_token }}{% if messages[0].role == 'system' %}{% set system = messages[0].content | trim %}" +
    "{% set messages = messages[1:] %}{% else %}{% set system = '' %}{% endif %}{% for m in messages %}" +
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}" +
    "[{{ m.role | upper }}] {{ system ~ m.content }}{{ eos_token if loop.last }}{% endfor %}",
];

const template: FuzzFormat = {
  name: "chat template",
  kinds: 2,
  input: (rng) => mutatedText(rng, rng.pick(TEMPLATES)),
  read: (text: string) =>
    jinjaFormat(text, { bos_token: "<s>", eos_token: "</s>" }, "fuzz").render(
      [
        { role: "user", content: "Hi" },
        { role: "assistant", content: "Hello." },
      ],
      { addGenerationPrompt: true },
    ),
};

export const TEXT_FORMATS: readonly FuzzFormat[] = [datasets, parquet, tokenizer, template];
