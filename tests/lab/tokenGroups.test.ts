/** @file Tokens of an answer as they are pointed at. */
import { describe, expect, it } from "vitest";
import {
  groupProbability,
  probabilityText,
  surprise,
  tokenGroups,
  visibleText,
} from "../../src/lab/chat/tokenGroups.ts";
import { answerTokens } from "../../src/lab/worker/answerTokens.ts";
import type { ChatToken } from "../../src/lab/worker/protocol/chat.ts";

const token = (text: string, share: number, ends = false): ChatToken => ({
  text,
  ends,
  logProb: Math.log(share),
  top: [],
});

describe("token groups", () => {
  it("join tokens that make one character, keep the end apart, lose none", () => {
    const tokens = [token("To", 0.9), token("", 0.5), token(" é", 0.5), token("", 0.8, true)];
    const groups = tokenGroups(tokens);
    expect(groups.map(({ text }) => text)).toEqual(["To", " é", ""]);
    expect(groups.flatMap((group) => group.tokens)).toEqual(tokens);
    expect(groupProbability(groups[1] ?? { text: "", tokens: [] })).toBeCloseTo(0.25);
    expect(tokenGroups([token("a", 1), token("", 0.5)]).map((group) => group.tokens.length)).toEqual([2]);
    expect(tokenGroups([])).toEqual([]);
  });

  it("tell how sure in words that do not round to certainty", () => {
    expect([1, 0.99997, 0.934, 0.01, 0.00012, 1e-9].map((share) => probabilityText(Math.log(share)))).toEqual([
      "100 %",
      "> 99.9 %",
      "93.4 %",
      "1.0 %",
      "0.012 %",
      "< 0.0001 %",
    ]);
    expect([0.95, 0.9, 0.89, 0.5, 0.2, 0.0999].map(surprise)).toEqual([0, 0, 1, 1, 2, 3]);
    expect(visibleText("  a\n")).toBe("␣␣a⏎");
  });
});

describe("an answer's tokens", () => {
  const texts = ["I", " can", "\u00e9", "<end>"];
  const tokenizer = {
    pieces: (ids: readonly number[]) => ids.map((id) => texts[id] ?? ""),
    decode: (ids: readonly number[]) => ids.map((id) => texts[id] ?? "\ufffd").join(""),
  };
  const odds = (ids: readonly number[]) =>
    ids.map((id) => ({
      token: id,
      logProb: -1,
      top: [
        { token: id, logProb: -1 },
        { token: 9, logProb: -2 },
      ],
    }));

  it("have their text, the token that ended it none; a stop string is cut off", () => {
    const ended = answerTokens(tokenizer, [0, 1, 2], odds([0, 1, 2, 3]), "I cané");
    expect(ended?.map(({ text, ends }) => [text, ends])).toEqual([
      ["I", false],
      [" can", false],
      ["é", false],
      ["", true],
    ]);
    expect(ended?.[0]?.top).toEqual([
      { text: "I", logProb: -1, chosen: true },
      { text: "token 9", logProb: -2, chosen: false },
    ]);
    expect(answerTokens(tokenizer, [0, 1, 2], odds([0, 1, 2]), "I c")?.map(({ text }) => text)).toEqual([
      "I",
      " c",
      "",
    ]);
  });

  it("are none where they do not add up", () => {
    expect(answerTokens(tokenizer, [0, 1], odds([0, 1]), "something else")).toBeNull();
  });
});
