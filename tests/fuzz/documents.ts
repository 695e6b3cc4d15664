/** @file Fuzzed documents of Basin: specs, tables, links with and without results, judges in ONNX. */
import { readFileSync } from "node:fs";
import type { Rng } from "../../src/base/rng.ts";
import { openTextClassifier, type OnnxRuntime } from "../../src/eval/judges/textClassifier.ts";
import { decodeLink, encodeLink } from "../../src/experiment/share/link.ts";
import { packJson, unpackJson } from "../../src/experiment/share/packedJson.ts";
import { linkWithResults, readResults } from "../../src/experiment/share/results.ts";
import { canonical } from "../../src/experiment/spec/canonical.ts";
import { resolveSpec } from "../../src/experiment/spec/spec.ts";
import { parseSpecJson } from "../../src/experiment/spec/specJson.ts";
import { parseTableJson } from "../../src/experiment/table/tableSpec.ts";
import { memorySource } from "../../src/weights/byteSource.ts";
import type { FuzzFormat } from "./harness.ts";
import { mutatedJson, mutatedText } from "./mutate.ts";

const SPECS: readonly unknown[] = [
  resolveSpec({}),
  resolveSpec({ method: { name: "lisa" }, train: { max_steps: 3 }, lora: { target_modules: "all-linear" } }),
  resolveSpec({ method: { name: "safe_merge" }, eval: { harmful: null, task: null, benign: null } }),
  resolveSpec({
    model: { aligned: "a/b", unaligned: "c/d", quantization: "nf4" },
    data: { train: { source: "hub", repo: "x/y" }, selection: { validation_split: 0.1 } },
    method: { name: "asft", projector: "rank" },
  }),
];

const text = (rng: Rng, value: unknown): string =>
  rng.below(4) === 0 ? mutatedText(rng, JSON.stringify(value, null, 2)) : JSON.stringify(mutatedJson(rng, value));

/** What is accepted is resolved: resolving it again changes nothing. */
const spec: FuzzFormat = {
  name: "spec",
  kinds: 20,
  input: (rng) => text(rng, rng.pick(SPECS)),
  read: (document: string) => {
    const found = parseSpecJson(document);
    const again = canonical(resolveSpec(found));
    if (again !== canonical(found)) throw new Error(`resolving it again makes ${again} of ${canonical(found)}`);
  },
};

const TABLES = ["apothecaryTable", "lambdaDial"].map(
  (name) => JSON.parse(readFileSync(new URL(`../../examples/${name}.json`, import.meta.url), "utf8")) as unknown,
);

const table: FuzzFormat = {
  name: "table",
  kinds: 12,
  input: (rng) => text(rng, rng.pick(TABLES)),
  read: (document: string) => void parseTableJson(document),
};

const LINKS = SPECS.map((value) => `x=${encodeLink(resolveSpec(value)).replace(/^#?x=/, "")}`);

/** A link is the sender's spec or it is refused: a checksum sees to it. */
const link: FuzzFormat = {
  name: "link",
  kinds: 4,
  input: (rng) => mutatedText(rng, rng.pick(LINKS)),
  read: (fragment: string) => {
    const found = decodeLink(`#${fragment}`);
    if (found !== null && decodeLink(encodeLink(found)) === null)
      throw new Error("what was accepted cannot be sent on");
  },
};

const RESULTS = {
  run: "0123abcd",
  device: "fuzz",
  basin: "0.1.0",
  ended: 1_700_000_000,
  kernels: null,
  data: { rows: "0123abcd", questions: "4567cdef" },
  before: { harmful_score: { hits: 0, count: 50 } },
  after: { harmful_score: { hits: 48, count: 50 }, task_accuracy: { hits: 50, count: 50 } },
  losses: { steps: 3, bits: 123456, sample: [1.5, 1.25, 1] },
};

const results: FuzzFormat = {
  name: "link with results",
  kinds: 0,
  input: (rng) => {
    const whole = linkWithResults(`#${rng.pick(LINKS)}`, RESULTS);
    const [link, packed] = whole.split("&r=1.");
    if (packed === undefined || rng.below(3) === 0) return mutatedText(rng, whole);
    // Past the checksum: other values, packed as the sender would.
    const value = unpackJson(packed, () => new Error("the fixture is damaged"));
    return `${link}&r=1.${packJson(mutatedJson(rng, value))}`;
  },
  // Results that cannot be read are a state of their own, never an error.
  read: (fragment: string) => {
    const { kind } = readResults(fragment);
    if (!["none", "read", "unreadable"].includes(kind)) throw new Error(`results of the kind ${kind}`);
  },
};

const JUDGE = new URL("../fixtures/judges/bert/", import.meta.url);
const judgeFile = (path: string) => new Uint8Array(readFileSync(new URL(path, JUDGE)));
const JUDGE_CONFIG = JSON.parse(new TextDecoder().decode(judgeFile("config.json"))) as unknown;
const JUDGE_TOKENIZER = JSON.parse(new TextDecoder().decode(judgeFile("tokenizer.json"))) as unknown;

/** A runtime that answers with as many logits as config.json names labels, or refuses as onnxruntime does. */
function runtime(labels: number, broken: boolean): OnnxRuntime {
  class Tensor {
    constructor(
      readonly type: string,
      readonly data: unknown,
      readonly dims: readonly number[],
    ) {}
  }
  const session = {
    inputNames: ["input_ids", "attention_mask"],
    outputNames: ["logits"],
    run: ({ input_ids }: { input_ids: Tensor }) => {
      const rows = input_ids.dims[0] ?? 0;
      return Promise.resolve({
        logits: { type: "float32", data: new Float32Array(rows * labels), dims: [rows, labels] },
      });
    },
    release: () => Promise.resolve(),
  };
  const create = () => (broken ? Promise.reject(new Error("invalid model")) : Promise.resolve(session));
  return { InferenceSession: { create }, Tensor } as unknown as OnnxRuntime;
}

const judge: FuzzFormat = {
  name: "ONNX judge",
  kinds: 4,
  input: (rng) => ({
    config: rng.below(3) === 0 ? JUDGE_CONFIG : mutatedJson(rng, JUDGE_CONFIG),
    tokenizer: rng.below(3) === 0 ? mutatedJson(rng, JUDGE_TOKENIZER) : JUDGE_TOKENIZER,
    broken: rng.below(8) === 0,
  }),
  read: async ({ config, tokenizer, broken }: { config: unknown; tokenizer: unknown; broken: boolean }) => {
    const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
    const source = memorySource("fuzz", {
      "config.json": encode(config),
      "tokenizer.json": encode(tokenizer),
      "onnx/model.onnx": new Uint8Array(8),
    });
    const opened = await openTextClassifier(source, () =>
      Promise.resolve([{ provider: "wasm", load: () => Promise.resolve(runtime(3, broken)) }]),
    );
    const shares = await opened.classify([["How do I brew a calming tonic?"], ["Hi", "Hello."]]);
    if (!shares.flat().every((share) => share >= 0 && share <= 1)) throw new Error("shares outside of 0 to 1");
  },
};

export const DOCUMENT_FORMATS: readonly FuzzFormat[] = [spec, table, link, results, judge];
