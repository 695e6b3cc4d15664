/** @file Errors that nobody has caught: counted, told once, harmless ones left out. */
import { describe, expect, it } from "vitest";
import { BasinError } from "../../src/base/error.ts";
import {
  createUncaughtErrorStore,
  uncaughtErrorOf,
  watchUncaughtErrors,
} from "../../src/lab/shell/uncaughtErrors/uncaughtErrorStore.ts";

describe("uncaughtErrors", () => {
  it("count what is the same and stay few", () => {
    const store = createUncaughtErrorStore();
    for (let i = 0; i < 1000; i += 1) store.getState().report({ what: `${i % 10}`, where: "w", fix: "f" });
    const { uncaughtErrors } = store.getState();
    expect(uncaughtErrors).toHaveLength(5);
    expect(uncaughtErrors.reduce((sum, { times }) => sum + times, 0)).toBe(1000);
    store.getState().dismiss();
    expect(store.getState().uncaughtErrors).toEqual([]);
  });

  it("are no stops and no remarks of the browser", () => {
    expect(uncaughtErrorOf(new DOMException("", "AbortError"), "", "page")).toBeNull();
    expect(
      uncaughtErrorOf(undefined, "ResizeObserver loop completed with undelivered notifications.", "page"),
    ).toBeNull();
    expect(uncaughtErrorOf(undefined, "Script error.", "page")).toMatchObject({
      what: "An unexpected error: Script error.",
    });
    expect(uncaughtErrorOf(new BasinError({ what: "a", where: "b", fix: "c" }), "", "page")).toEqual({
      what: "a",
      where: "b",
      fix: "c",
    });
  });

  it("are heard of both ways", () => {
    const target = new EventTarget();
    const taken: string[] = [];
    watchUncaughtErrors(target as unknown as typeof globalThis, "page", ({ what }) => taken.push(what));
    target.dispatchEvent(Object.assign(new Event("error"), { error: new Error("one"), message: "one" }));
    target.dispatchEvent(Object.assign(new Event("unhandledrejection"), { reason: new Error("two") }));
    target.dispatchEvent(Object.assign(new Event("unhandledrejection"), { reason: "three" }));
    expect(taken).toEqual(["An unexpected error: one", "An unexpected error: two", "An unexpected error: three"]);
  });
});
