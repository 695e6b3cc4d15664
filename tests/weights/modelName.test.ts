/** @file What a model's name means. */
import { describe, expect, it } from "vitest";
import { BasinError } from "../../src/base/error.ts";
import { hubName, parseModelName } from "../../src/weights/modelName.ts";

describe("a model's name", () => {
  it.each([
    ["apothecary-aligned", { kind: "bundled", name: "apothecary-aligned" }],
    [" HuggingFaceTB/SmolLM2-135M ", { kind: "hub", repo: "HuggingFaceTB/SmolLM2-135M", revision: "main" }],
    ["hf:Qwen/Qwen2.5-0.5B@v1.0", { kind: "hub", repo: "Qwen/Qwen2.5-0.5B", revision: "v1.0" }],
    ["a/b@refs/pr/3", { kind: "hub", repo: "a/b", revision: "refs/pr/3" }],
    ["https://host/x/y?key=1", { kind: "url", base: "https://host/x/y?key=1" }],
    ["HTTP://localhost:8000/", { kind: "url", base: "HTTP://localhost:8000/" }],
    ["./models/x", { kind: "relative", path: "./models/x" }],
    ["../x", { kind: "relative", path: "../x" }],
    ["/models/x", { kind: "relative", path: "/models/x" }],
    ["folder:My model/v2", { kind: "folder", name: "My model/v2" }],
  ] as const)("%s", (text, expected) => {
    expect(parseModelName(text)).toEqual(expected);
  });

  it.each(["", "  ", "folder:", "hf:", "hf:name", "a/b/c", "https://", "owner/na me", "a@b", "C:\\models\\x", "a/b@"])(
    "%j is refused with the forms that there are",
    (text) => {
      expect(() => parseModelName(text)).toThrow(BasinError);
      expect(() => parseModelName(text)).toThrow(/owner\/name@revision/);
    },
  );

  it("a URL with a password is refused without repeating it", () => {
    expect(() => parseModelName("https://me:secret@host/x")).toThrow(/user name or a password/);
    expect(() => parseModelName("https://me:secret@host/x")).not.toThrow(/secret/);
  });

  it("on the hub includes its revision unless that is main", () => {
    expect([hubName("a/b"), hubName("a/b", "v1")]).toEqual(["a/b", "a/b@v1"]);
  });
});
