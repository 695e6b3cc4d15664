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

const PARQUET = new Uint8Array(
  parquetWriteBuffer({
    columnData: [
      { name: "instruction", data: ["Add.", "Name a tree."], type: "STRING" },
      { name: "output", data: ["3", "Oak."], type: "STRING" },
      { name: "label", data: [1, 0], type: "INT32" },
    ],
  }),
);

/** Where the footer begins: its length stands before the last four bytes. */
const FOOTER = PARQUET.length - 8 - new DataView(PARQUET.buffer).getUint32(PARQUET.length - 8, true);

/**
 * The footer mutated, or the file cut off. Pages are left whole: hyparquet 1.31 believes the run lengths inside them,
 * and counts to two thousand million where a damaged one says so.
 */
const parquet: FuzzFormat = {
  name: "parquet",
  kinds: 3,
  input: (rng) => {
    if (rng.below(4) === 0) return PARQUET.slice(0, rng.below(PARQUET.length));
    const footer = mutatedBytes(rng, PARQUET.subarray(FOOTER));
    const file = new Uint8Array(FOOTER + footer.length);
    file.set(PARQUET.subarray(0, FOOTER));
    file.set(footer, FOOTER);
    return file;
  },
  read: (bytes: Uint8Array<ArrayBuffer>) => readTable(memoryFile("rows.parquet", bytes)),
};

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
