/** @file PEFT adapters: files that PEFT wrote are read exactly, ours read back, and what is not supported is named. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BasinError } from "../../src/base/error.ts";
import {
  adapterScale,
  decodeAdapter,
  encodeAdapter,
  type Adapter,
  type AdapterFiles,
} from "../../src/weights/adapterFile.ts";
import { readAdapterFiles } from "../../src/weights/adapterSource.ts";
import { memorySource } from "../../src/weights/byteSource.ts";
import { fromFloat32 } from "../../src/weights/dtypes.ts";
import { encodeSafetensors, headerLength, parseHeader, type TensorToWrite } from "../../src/weights/safetensors.ts";
import { json } from "./support.ts";

const fixture = (name: string, file: string): Uint8Array =>
  readFileSync(new URL(`../fixtures/adapters/${name}/${file}`, import.meta.url));
const written = (name: string): AdapterFiles => ({
  "adapter_config.json": fixture(name, "adapter_config.json"),
  "adapter_model.safetensors": fixture(name, "adapter_model.safetensors"),
});

interface Expected {
  r: number;
  in: number;
  out: number;
  scale: number;
  sum_a: number;
  sum_b: number;
  last_a: number;
  first_b: number;
}

const parse = (bytes: Uint8Array): Record<string, unknown> =>
  JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;

function failure(work: () => unknown): BasinError {
  try {
    work();
  } catch (error) {
    if (error instanceof BasinError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe.each(["plain", "patterns"])("the adapter %s that PEFT wrote", (name) => {
  const adapter = decodeAdapter(written(name), name);
  const expected = Object.entries(JSON.parse(fixture(name, "expected.json").toString()) as Record<string, Expected>);

  it("has PEFT's modules, shapes, values and scales", () => {
    expect(adapter.modules.map(({ path }) => path).sort()).toEqual(expected.map(([path]) => path).sort());
    for (const [path, want] of expected) {
      const module = adapter.modules.find((candidate) => candidate.path === path);
      expect(module).toMatchObject({ r: want.r, inFeatures: want.in, outFeatures: want.out });
      const sum = (values: Float32Array | undefined): number =>
        values?.reduce((total, value) => total + value, 0) ?? NaN;
      expect(sum(module?.A)).toBeCloseTo(want.sum_a, 6);
      expect(sum(module?.B)).toBeCloseTo(want.sum_b, 6);
      expect(module?.A.at(-1)).toBe(Math.fround(want.last_a));
      expect(module?.B[0]).toBe(Math.fround(want.first_b));
      expect(adapterScale(adapter.config, path)).toBeCloseTo(want.scale, 12);
    }
  });

  it("survives writing and reading, every value", () => {
    expect(decodeAdapter(encodeAdapter(adapter))).toEqual(adapter);
  });
});

describe.each(["ranks", "layers", "state"])("the imported adapter %s", (name) => {
  const adapter = decodeAdapter(written(`imports/${name}`), name);
  const { cases } = JSON.parse(fixture("imports", "expected.json").toString()) as {
    cases: Record<string, { modules: Record<string, [number, number]> }>;
  };

  it("has PEFT's ranks and scales, also after writing", () => {
    const of = ({ config, modules }: Adapter): Record<string, [number, number]> =>
      Object.fromEntries(modules.map(({ path, r }) => [path, [r, adapterScale(config, path)]]));
    const want = cases[name]?.modules ?? {};
    for (const read of [adapter, decodeAdapter(encodeAdapter(adapter))]) {
      expect(Object.keys(of(read)).sort()).toEqual(Object.keys(want).sort());
      for (const [path, [r, scale]] of Object.entries(of(read))) {
        expect(r, path).toBe(want[path]?.[0]);
        expect(scale, path).toBeCloseTo(want[path]?.[1] ?? NaN, 12);
      }
    }
  });
});

describe("an adapter in any source", () => {
  const theirs = { ...written("plain") };

  it("is read whole", async () => {
    expect(decodeAdapter(await readAdapterFiles(memorySource("owner/adapter", theirs)))).toEqual(
      decodeAdapter(written("plain")),
    );
  });

  it("is refused by name when a file is missing or a pickle", async () => {
    const { "adapter_config.json": config } = theirs;
    const why = (files: Record<string, Uint8Array>): Promise<unknown> =>
      readAdapterFiles(memorySource("owner/adapter", files)).then(
        () => "",
        (error: unknown) => error,
      );
    expect(await why({})).toMatchObject({ what: "There is no adapter_config.json", where: "owner/adapter" });
    expect(await why({ "adapter_config.json": config })).toMatchObject({
      what: "There is no adapter_model.safetensors",
    });
    expect(await why({ "adapter_config.json": config, "adapter_model.bin": config })).toMatchObject({
      fix: expect.stringContaining("safe_serialization") as unknown,
    });
  });
});

describe("our files", () => {
  it("hold PEFT's tensors, byte for byte, and every field that loading needs", () => {
    const theirs = written("plain");
    const ours = encodeAdapter(decodeAdapter(theirs));
    expect(Buffer.compare(ours["adapter_model.safetensors"], theirs["adapter_model.safetensors"])).toBe(0);
    const [mine, peft] = [parse(ours["adapter_config.json"]), parse(theirs["adapter_config.json"])];
    for (const [field, value] of Object.entries(mine)) {
      if (field !== "target_modules") expect([field, value]).toEqual([field, peft[field]]);
    }
    // What PEFT writes beyond is empty.
    const beyond = Object.entries(peft).filter(([field]) => !(field in mine) && field !== "peft_version");
    expect(beyond.every(([, value]) => value === null)).toBe(true);
  });

  it('spell out "all-linear" as names', () => {
    const adapter = decodeAdapter(written("patterns"));
    const files = encodeAdapter({ ...adapter, config: { ...adapter.config, target_modules: "all-linear" } });
    expect(parse(files["adapter_config.json"]).target_modules).toEqual([
      "down_proj",
      "gate_proj",
      "up_proj",
      "k_proj",
      "o_proj",
      "q_proj",
      "v_proj",
    ]);
  });

  it("list layer 10 after layer 9", () => {
    const module = { r: 1, inFeatures: 1, outFeatures: 1, A: new Float32Array(1), B: new Float32Array(1) };
    const paths = [0, 1, 2, 9, 10, 11].map((layer) => `model.layers.${layer}.mlp.up_proj`);
    const files = encodeAdapter({
      config: { ...plain.config, r: 1, target_modules: ["up_proj"] },
      modules: paths.map((path) => ({ ...module, path })),
    });
    expect(decodeAdapter(files).modules.map(({ path }) => path)).toEqual(paths);
  });

  it("are not written from contradictory settings", () => {
    const [first] = plain.modules;
    if (first === undefined) throw new Error("fixture");
    const encode = (changes: Partial<Adapter>): BasinError => failure(() => encodeAdapter({ ...plain, ...changes }));
    expect(encode({ modules: [] }).what).toContain("no modules");
    expect(encode({ modules: [{ ...first, A: first.A.map(() => NaN) }] }).where).toContain(`${first.path}.lora_A`);
    expect(
      encode({ modules: [{ ...first, inFeatures: 3 }], config: { ...plain.config, target_modules: ["q_proj"] } }).what,
    ).toContain("takes 24 bytes");
    expect(encode({ config: { ...plain.config, r: 3 } }).what).toContain("rank 2, the configuration says 3");
    expect(encode({ config: { ...plain.config, target_modules: ["q_proj"] } }).what).toContain(
      "covers 2 of the adapter's 4",
    );
  });
});

const plain = decodeAdapter(written("plain"));

describe("an adapter that is not supported is refused by name", () => {
  const config = parse(written("plain")["adapter_config.json"]);
  const withConfig =
    (changes: Record<string, unknown>): (() => unknown) =>
    () =>
      decodeAdapter({ ...written("plain"), "adapter_config.json": json({ ...config, ...changes }) }, "mine");

  it.each([
    ["use_dora", true, /DoRA/],
    ["modules_to_save", ["lm_head"], /whole modules/],
    ["bias", "all", /biases/],
    ["lora_bias", true, /bias in lora_B/],
    ["fan_in_fan_out", true, /Conv1D/],
    ["init_lora_weights", "pissa_niter_4", /base weights/],
    ["use_qalora", true, /QA-LoRA/],
    ["layer_replication", [[0, 1]], /replicated/],
    ["a_field_of_tomorrow", { on: 1 }, /not supported/],
    ["peft_type", "IA3", /trained vectors/],
    ["peft_type", "LOHA", /LoHa/],
    ["peft_type", "VERA", /VeRA/],
    ["peft_type", "TOMORROW", /LORA/],
    ["init_lora_weights", "olora", /base weights/],
    ["init_lora_weights", "loftq", /base weights/],
    ["trainable_token_indices", [3], /token embeddings/],
    ["target_parameters", ["mlp.experts.gate_up_proj"], /bare parameters/],
    ["use_bdlora", { nblocks: 2 }, /block-diagonal/],
  ])("%s", (field, value, words) => {
    const error = failure(withConfig({ [field]: value }));
    expect(`${error.what} ${error.fix}`).toMatch(words);
    expect(error.what).toContain(field);
    expect(error.where).toBe("mine: adapter_config.json");
  });

  it.each([
    [{ r: 0 }, /field r is 0/],
    [{ r: "8" }, /field r is "8"/],
    [{ lora_alpha: null, r: 2.5 }, /2.5/],
    [{ target_modules: [1] }, /target_modules/],
    [{ rank_pattern: { q_proj: 1.5 } }, /rank_pattern/],
    [{ alpha_pattern: { q_proj: "a" } }, /alpha_pattern/],
    [{ rank_pattern: { q_proj: 4 } }, /rank 2, adapter_config.json says 4/],
  ])("malformed fields: %j", (changes, what) => expect(failure(withConfig(changes)).what).toMatch(what));

  it("when its config is not JSON", () => {
    expect(
      failure(() => decodeAdapter({ ...written("plain"), "adapter_config.json": new TextEncoder().encode("{,}") }))
        .what,
    ).toContain("not valid JSON");
  });

  const prefix = "base_model.model.model.layers.0.self_attn.q_proj";
  const tensor = (
    name: string,
    shape: number[],
    dtype: TensorToWrite["dtype"] = "F32",
    values = new Float32Array(shape.reduce((a, b) => a * b, 1)),
  ): TensorToWrite => ({ name, dtype, shape, bytes: fromFloat32(values, dtype) });
  const withTensors =
    (...tensors: TensorToWrite[]): (() => Adapter) =>
    () =>
      decodeAdapter({ ...written("plain"), "adapter_model.safetensors": encodeSafetensors(tensors) }, "mine");
  const [a, b] = [tensor(`${prefix}.lora_A.weight`, [2, 16]), tensor(`${prefix}.lora_B.weight`, [16, 2])];

  it("when tensors are unknown, unpaired, misshapen or broken", () => {
    expect(failure(withTensors(a, b, tensor(`${prefix}.lora_magnitude_vector`, [16]))).what).toContain("DoRA");
    expect(failure(withTensors(a, b, tensor("base_model.model.lm_head.weight", [4, 4]))).what).toContain(
      "modules_to_save",
    );
    expect(
      failure(withTensors(a, b, tensor("base_model.model.model.embed_tokens.lora_embedding_A", [2, 4]))).what,
    ).toContain("embedding");
    expect(failure(withTensors(a)).what).toBe("There is a lora_A without its lora_B");
    expect(failure(withTensors(b)).where).toContain("model.layers.0.self_attn.q_proj");
    expect(failure(withTensors(a, tensor(`${prefix}.lora_B.weight`, [16, 3]))).what).toContain("[16, 3]");
    expect(failure(withTensors(a, tensor(`${prefix}.lora_B.weight`, [32]))).what).toContain("(out x r)");
    expect(failure(withTensors()).what).toContain("no LoRA tensors");
    expect(
      failure(withTensors(a, tensor(`${prefix}.lora_B.weight`, [16, 2], "BF16", new Float32Array(32).fill(Infinity))))
        .what,
    ).toContain("NaN or infinite at element 0");
    expect(
      failure(() =>
        decodeAdapter({
          ...written("plain"),
          "adapter_model.safetensors": written("plain")["adapter_model.safetensors"].subarray(0, 400),
        }),
      ).fix,
    ).toContain("cut off");
  });

  it("when a file holds several adapters or a LoRA bias", () => {
    const other = tensor(`${prefix}.lora_A.second.weight`, [2, 16]);
    expect(failure(withTensors(a, b, other)).what).toContain("several adapters: second, one without a name");
    expect(failure(withTensors(a, b, tensor(`${prefix}.lora_B.bias`, [16]))).what).toContain("lora_bias");
  });

  it("but initialisations that leave the base weights alone are read", () => {
    for (const init of ["gaussian", "eva", "orthogonal", true, false])
      expect(withConfig({ init_lora_weights: init, eva_config: { rho: 2 } })).not.toThrow();
  });

  it("but bf16 is read", () => {
    const values = new Float32Array(32).fill(0.5);
    const module = withTensors(a, tensor(`${prefix}.lora_B.weight`, [16, 2], "BF16", values))().modules[0];
    expect(module?.B).toEqual(values);
  });

  it("the fixture's header is what the reference writes", () => {
    const file = written("plain")["adapter_model.safetensors"];
    const length = headerLength(file.subarray(0, 8), file.byteLength, "");
    expect(parseHeader(file.subarray(8, 8 + length), file.byteLength, "").metadata).toEqual({ format: "pt" });
  });
});
