/** @file Streaming text: characters spread over tokens, stop strings across token boundaries. */
import { describe, expect, it } from "vitest";
import { TextStream } from "../../src/generate/textStream.ts";

/** A token per byte, as a byte-level vocabulary falls back to. */
const bytes = (text: string): number[] => [...new TextEncoder().encode(text)];
const decodeBytes = (ids: readonly number[]): string => new TextDecoder().decode(Uint8Array.from(ids));

/** Every text shown, and the last word. */
function stream(
  tokens: readonly number[],
  decode: (ids: readonly number[]) => string,
  stops: readonly string[] = [],
): { shown: string[]; whole: string; used: number } {
  const out = new TextStream(decode, stops);
  const shown: string[] = [];
  let used = 0;
  for (const token of tokens) {
    used += 1;
    const ended = out.push(token);
    shown.push(out.text);
    if (ended) break;
  }
  return { shown, whole: out.finish(), used };
}

const growing = (shown: readonly string[]): boolean =>
  shown.every((text, i) => i === 0 || text.startsWith(shown[i - 1] ?? ""));

describe("characters", () => {
  it.each(["naïve café", "日本語です", "👩‍🔬 mixes 🧪", "a\ufffdb", "e\u0301"])(
    "of %s are shown when they are whole",
    (text) => {
      const { shown, whole } = stream(bytes(text), decodeBytes);
      expect(growing(shown)).toBe(true);
      expect(whole).toBe(text);
      for (const part of shown) expect(text.startsWith(part)).toBe(true);
      expect(shown.at(-1)).toBe(text);
    },
  );

  it("that are never completed appear at the end, and broken bytes do not stop the text", () => {
    const half = bytes("ok 日").slice(0, -1);
    expect(stream(half, decodeBytes)).toMatchObject({ whole: "ok \ufffd" });
    expect(stream(half, decodeBytes).shown.at(-1)).toBe("ok ");
    const broken = [...Array.from({ length: 30 }, () => 0x80), ...bytes("after")];
    const { shown, whole } = stream(broken, decodeBytes);
    expect(whole.endsWith("after")).toBe(true);
    expect(shown.at(-1)?.endsWith("after")).toBe(true);
  });

  it("of a tokenizer that drops the space before the first word", () => {
    const words = ["\u2581Once", "\u2581upon", "\u2581a", "\u2581time", "."];
    const decode = (ids: readonly number[]): string =>
      ids
        .map((id) => words[id] ?? "")
        .join("")
        .replaceAll("\u2581", " ")
        .trimStart();
    const { shown, whole } = stream([0, 1, 2, 3, 4], decode);
    expect(shown).toEqual(["Once", "Once upon", "Once upon a", "Once upon a time", "Once upon a time."]);
    expect(whole).toBe("Once upon a time.");
  });

  it("of special tokens are nothing", () => {
    const decode = (ids: readonly number[]): string => decodeBytes(ids.filter((id) => id < 256));
    expect(stream([300, ...bytes("hi"), 301, ...bytes("é")], decode).shown).toEqual(["", "h", "hi", "hi", "hi", "hié"]);
  });
});

describe("stop strings", () => {
  it("are cut off, wherever the tokens divide them", () => {
    for (const size of [1, 2, 3, 5]) {
      const text = "The answer is 42.\n\nUser: next";
      const tokens: string[] = [];
      for (let at = 0; at < text.length; at += size) tokens.push(text.slice(at, at + size));
      const { shown, whole } = stream([...tokens.keys()], (ids) => ids.map((id) => tokens[id] ?? "").join(""), [
        "\n\nUser:",
        "###",
      ]);
      expect(whole).toBe("The answer is 42.");
      expect(growing(shown)).toBe(true);
      for (const part of shown) expect("The answer is 42.".startsWith(part)).toBe(true);
    }
  });

  it("are told as soon as they are complete", () => {
    expect(stream(bytes("abcEND and more"), decodeBytes, ["END"])).toMatchObject({ whole: "abc", used: 6 });
    expect(stream(bytes("END"), decodeBytes, ["END"]).whole).toBe("");
  });

  it("that only begin are text after all", () => {
    const { shown, whole } = stream(bytes("a##b ##"), decodeBytes, ["###"]);
    expect(shown).toEqual(["a", "a", "a", "a##b", "a##b ", "a##b ", "a##b "]);
    expect(whole).toBe("a##b ##");
  });

  it("count the first of several, and empty ones not at all", () => {
    expect(stream(bytes("one two three"), decodeBytes, ["three", "two", ""]).whole).toBe("one ");
    expect(stream(bytes("xaab"), decodeBytes, ["ab"]).whole).toBe("xa");
  });
});
