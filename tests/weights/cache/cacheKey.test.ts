/** @file What is kept in the browser, and under which key. */
import { expect, it } from "vitest";
import { cacheKey } from "../../../src/weights/cache/cachingOpener.browser.ts";

it("hub models and URLs are cached by source and revision; bundled models and folders are not", () => {
  const hub = { kind: "hub", repo: "owner/name", revision: "main" } as const;
  expect(cacheKey(hub)).toBe("hub https://huggingface.co owner/name main");
  expect(cacheKey({ ...hub, revision: "v1" })).not.toBe(cacheKey(hub));
  expect(cacheKey({ ...hub, hubUrl: "https://mirror/" })).toBe("hub https://mirror owner/name main");
  expect(cacheKey({ ...hub, token: "hf_secret" })).toBe(cacheKey(hub));
  // A signature in the query changes from day to day, and is nobody's business.
  expect(cacheKey({ kind: "url", base: "https://host/m/?signature=secret" })).toBe("url https://host/m/");
  expect(cacheKey({ kind: "url", base: "https://page/models/x/", name: "./models/x" })).toBe(
    "url https://page/models/x/",
  );
  expect(cacheKey({ kind: "url", base: "https://page/models/apothecary-base/", name: "apothecary-base" })).toBeNull();
  expect(cacheKey({ kind: "files", name: "m", files: new Map() })).toBeNull();
});
