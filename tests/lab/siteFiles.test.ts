/** @file A part of the page that cannot be loaded: what the browsers say, and what it means. */
import { describe, expect, it } from "vitest";
import { createStore } from "zustand/vanilla";
import { checkSite, type SiteFiles } from "../../src/lab/shell/siteFiles/siteFilesStore.ts";
import { uncaughtErrorOf } from "../../src/lab/shell/uncaughtErrors/uncaughtErrorStore.ts";
import { toFailure } from "../../src/lab/support/failure.ts";
import { isMissingFile } from "../../src/lab/support/missingFile.ts";

const SAID = [
  "Failed to fetch dynamically imported module: https://basin.example/assets/RunsArea-Bx1.js",
  "error loading dynamically imported module: https://basin.example/assets/RunsArea-Bx1.js",
  "Importing a module script failed.",
  "Unable to preload CSS for /assets/RunsArea-Bx1.css",
];

describe("a missing file", () => {
  it.each(SAID)("is no defect of Basin: %s", (message) => {
    const error = new TypeError(message);
    expect(isMissingFile(error)).toBe(true);
    expect(toFailure(error, "page")).toMatchObject({ what: "A part of the lab could not be loaded", where: message });
    expect(toFailure(error, "page").fix).not.toMatch(/bug|defect/i);
    expect(uncaughtErrorOf(error, message, "page")).toBeNull();
  });

  it("is not any other error", () => {
    for (const other of [new TypeError("x is not a function"), new Error("Failed to fetch"), "dynamically", null])
      expect(isMissingFile(other)).toBe(false);
  });

  it("means a new version, a site out of reach, or neither, by what the site says of its page", async () => {
    const script = "https://basin.example/lab/assets/index-Old1.js";
    const seen = async (fetchPage: () => Promise<string>): Promise<string> => {
      const store = createStore<SiteFiles>()(() => ({ kind: "complete" }));
      await checkSite({ script, fetchPage }, store);
      return store.getState().kind;
    };
    const page = (name: string) => async () => `<script type="module" src="./assets/${name}"></script>`;
    expect(await seen(page("index-New2.js"))).toBe("new_version");
    expect(await seen(page("index-Old1.js"))).toBe("reachable");
    expect(await seen(() => Promise.reject(new TypeError("Failed to fetch")))).toBe("unreachable");
  });
});
