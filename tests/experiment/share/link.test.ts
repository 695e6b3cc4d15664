/** @file Links: every spec comes back; a damaged, cut or newer link says so. */

import { describe, expect, it } from "vitest";
import { BasinError } from "../../../src/base/error.ts";
import { decodeLink, encodeLink, minimalSpec } from "../../../src/experiment/share/link.ts";
import { MAX_JSON_BYTES, packJson, unpackJson } from "../../../src/experiment/share/packedJson.ts";
import { presets } from "../../../src/experiment/spec/presets.ts";
import { resolveSpec, type SpecInput } from "../../../src/experiment/spec/spec.ts";
import { Rng } from "../../../src/text/apothecary/index.ts";

/** A link to JSON of so many bytes, however short it is packed. */
function bomb(bytes: number): string {
  return packJson({ name: "a".repeat(bytes) });
}

function messageOf(fragment: string): string {
  try {
    decodeLink(fragment);
  } catch (error) {
    if (error instanceof BasinError) return error.what;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** Any spec: each group of fields is given or left out, with drawn values. */
function drawSpec(rng: Rng): SpecInput {
  const maybe = <T>(value: T): T | undefined => (rng.below(2) === 0 ? value : undefined);
  const of = <T>(...values: T[]): T => values[rng.below(values.length)] as T;
  return JSON.parse(
    JSON.stringify({
      name: maybe(of("Grüße 🧪", "", 'a "quoted" name', "x".repeat(200))),
      model: maybe({ aligned: of("apothecary-aligned", "dir/ü"), unaligned: of("apothecary-base", "other") }),
      data: maybe({
        train: of(
          {
            source: "apothecary",
            task: of("topic", "sums", "sentiment"),
            n: 1 + rng.below(5000),
            harmful_ratio: rng.below(101) / 100,
          },
          { path: "a b.jsonl", format: of("tokens", "chat", "instruction") },
          {
            source: "file",
            path: "rows.csv",
            columns: { output: "Antwort", input: null },
            prompt: "{a}: {b}",
            label_names: ["x", "y"],
          },
          {
            source: "hub",
            repo: of("owner/name", "gsm8k"),
            split: maybe("test"),
            config: maybe("main"),
            revision: maybe("refs/pr/1"),
          },
          { source: "text", text: "question,answer\na,b", format: of("auto", "instruction") },
        ),
        selection: maybe({
          max_rows: of(null, 10),
          validation_split: of(0, 0.1, 20),
          deduplicate: of(true, false),
          shuffle_seed: of(null, 0, 7),
        }),
        max_length: maybe(1 + rng.below(4096)),
        packing: maybe(of(true, false)),
      }),
      lora: maybe({
        r: of(1, 8, 64),
        lora_alpha: of(0.5, 16, 32),
        target_modules: of<unknown>("all-linear", ["q_proj"], ["q_proj", "v_proj"], ".*up_proj"),
      }),
      method: of<unknown>(
        undefined,
        { name: "sft" },
        { name: "asft", projector: of("flat", "rank"), rank: of(4, 8) },
        { name: "safe_lora", threshold: -0.25 },
        { name: "asft", projector: "none" },
      ),
      train: maybe({ learning_rate: of(5e-4, 1e-300, 0.1 + 0.2), max_steps: of(-1, 20), seed: rng.below(2 ** 31) }),
      eval: maybe({
        harmful: of<unknown>(null, { n: 3 }, undefined),
        task: of<unknown>(null, { task: "sums" }, undefined),
        every_steps: rng.below(3),
      }),
    }),
  ) as SpecInput;
}

describe("links", () => {
  it("bring every spec back", () => {
    const rng = new Rng("links");
    let tried = 0;
    for (let i = 0; i < 200; i += 1) {
      const input = drawSpec(rng);
      if (input.model?.aligned === "dir/ü" && i % 2 === 0) delete input.model.unaligned;
      let spec;
      try {
        spec = resolveSpec(input);
      } catch {
        continue; // asft without an unaligned model
      }
      tried += 1;
      const link = encodeLink(spec);
      expect(decodeLink(`#${link}`)).toEqual(spec);
      expect(encodeURIComponent(link.slice(2))).toBe(link.slice(2));
      const small = minimalSpec(spec);
      expect(minimalSpec(resolveSpec(small))).toEqual(small);
    }
    expect(tried).toBeGreaterThan(150);
  });

  it("are short, and empty for the defaults", () => {
    expect(minimalSpec(resolveSpec({}))).toEqual({});
    expect(
      minimalSpec(resolveSpec({ train: { seed: 7, learning_rate: 5e-5 }, data: { train: { source: "apothecary" } } })),
    ).toEqual({ train: { seed: 7 } });
    for (const { spec } of presets) expect(encodeLink(resolveSpec(spec)).length).toBeLessThan(300);
  });

  it("made before rows had columns and selections still open", () => {
    const old =
      "x=1." +
      "n5N88z2MOwqAMBBE77J1sFC0yGVkMRuj5CPJgkLI3c1aWM0w83gVDDKCrsAZjyjlQnagIae7DGdJ0YM" +
      "Cm3JA7uvmejQFAZ_VU9wFHedFFmKXjAgiBuposR_5ewtRv6fWXg";
    expect(decodeLink(old)).toEqual(
      resolveSpec({
        data: { train: { path: "rows.jsonl", format: "chat" }, max_length: 256 },
        method: { name: "sft" },
        train: { seed: 3 },
      }),
    );
  });

  it("carry pasted text, as much as a spec may hold", () => {
    const rng = new Rng("pasted");
    for (const base of [33, 0x4e00]) {
      const text = Array.from({ length: 40_000 }, () =>
        String.fromCharCode(base + rng.below(base === 33 ? 90 : 20_000)),
      ).join("");
      const spec = resolveSpec({ data: { train: { source: "text", text } } });
      expect(decodeLink(encodeLink(spec))).toEqual(spec);
    }
  });

  it("are absent from other fragments", () => {
    expect(decodeLink("")).toBeNull();
    expect(decodeLink("#results")).toBeNull();
  });

  it("say when they are cut, wherever", () => {
    const link = encodeLink(resolveSpec(presets[0]?.spec ?? {}));
    for (let length = 4; length < link.length; length += 1)
      expect(messageOf(link.slice(0, length)), `${length}`).toContain("incomplete or damaged");
  });

  it("say when one character is wrong, wherever", () => {
    const spec = resolveSpec(presets[0]?.spec ?? {});
    const link = encodeLink(spec);
    for (let i = 4; i < link.length; i += 1) {
      const changed = `${link.slice(0, i)}${link[i] === "A" ? "B" : "A"}${link.slice(i + 1)}`;
      // The last character may carry bits that no byte uses: then nothing is lost.
      if (i === link.length - 1) {
        try {
          expect(decodeLink(changed)).toEqual(spec);
          continue;
        } catch (error) {
          expect(error).toBeInstanceOf(BasinError);
        }
      } else expect(messageOf(changed), `${i}`).toContain("incomplete or damaged");
    }
    expect(messageOf(`${link}!`)).toContain("characters");
    expect(messageOf(`x=1.${"A".repeat(270_000)}`)).toContain("too long");
  });

  it("say when a newer Basin made them", () => {
    expect(messageOf("x=2.whatever")).toContain("newer");
  });

  it("name the problem of a spec that is not valid", () => {
    const bad = { ...resolveSpec({}), train: { sed: 1 } };
    expect(() => decodeLink(encodeLink(bad as never))).toThrow('"sed"');
  });

  it("a short link that unpacks to too much is refused before it is unpacked", () => {
    const packed = bomb(16 * 2 ** 20);
    expect(packed.length).toBeLessThan(262_144);
    expect(messageOf(`x=1.${packed}`)).toBe("The link is incomplete or damaged: it unpacks to more than 4 MiB");
    const most = bomb(MAX_JSON_BYTES - '{"name":""}'.length);
    expect(unpackJson(most, (why) => new Error(why))).toHaveProperty("name");
    expect(() => unpackJson(bomb(MAX_JSON_BYTES), (why) => new Error(why))).toThrow("more than 4 MiB");
  });
});
