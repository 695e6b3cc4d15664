/** @file The offline copy's decisions, one by one: what it answers, which range, and nothing of others. */
import { describe, expect, it } from "vitest";
import { PAGE, rangeOf, replyTo, type SiteFile } from "../../src/lab/shell/offline/manifest.ts";

const SCOPE = "https://example.org/a/lab/";
const file = (path: string): [string, SiteFile] => [path, { path, hash: "", bytes: 10, save: "first" }];
const files = new Map([file(PAGE), file("assets/index-1.js"), file("models/apothecary-base/config.json")]);
const reply = (path: string, more: { readonly method?: string; readonly navigation?: boolean } = {}): string | null =>
  replyTo({ method: "GET", navigation: false, url: new URL(path, SCOPE).href, ...more }, SCOPE, files)?.kind ?? null;

describe("what the service worker answers", () => {
  it("the page, at its folder and by its name, whatever stands behind ? and #", () => {
    for (const path of ["", "index.html", "#learn/penalty", "?hubUrl=http://localhost:1", "?a=1#x=1.abc"])
      expect(reply(path, { navigation: true }), path).toBe("page");
  });

  it("the files of the build, for GET and HEAD", () => {
    expect(reply("assets/index-1.js")).toBe("file");
    expect(reply("assets/index-1.js", { method: "HEAD" })).toBe("file");
    expect(reply("models/apothecary-base/config.json")).toBe("file");
  });

  it("that a bundled folder has no such file", () => {
    expect(reply("models/apothecary-base/model.safetensors.index.json")).toBe("absent");
  });

  it("nothing else", () => {
    for (const path of [
      "assets/index-2.js",
      "models/mine/config.json",
      "data.json",
      "../other/",
      "https://huggingface.co/a/b/resolve/main/config.json",
      "assets/index-1.js?v=2",
    ])
      expect(reply(path), path).toBeNull();
    for (const path of ["models/", "other.html"]) expect(reply(path, { navigation: true }), path).toBeNull();
    expect(reply("assets/index-1.js", { method: "POST" })).toBeNull();
  });
});

describe("ranges", () => {
  it.each([
    ["bytes=0-3", { first: 0, last: 3 }],
    ["bytes=4-", { first: 4, last: 9 }],
    ["bytes=-3", { first: 7, last: 9 }],
    ["bytes=2-99", { first: 2, last: 9 }],
    ["bytes=-99", { first: 0, last: 9 }],
    ["bytes=10-12", "unsatisfiable"],
    ["bytes=5-4", "unsatisfiable"],
    ["bytes=0-1,4-5", null],
    ["bytes=-", null],
    [null, null],
  ] as const)("%s of 10 bytes", (header, expected) => {
    expect(rangeOf(header, 10)).toEqual(expected);
  });
});
