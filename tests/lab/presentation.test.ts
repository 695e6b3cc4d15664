/** @file Presentation mode and what it rests on: the switch that is remembered, and pixels that are served in rem. */
import { describe, expect, it } from "vitest";
import { toRem } from "../../scripts/pxToRem.ts";
import { createPresentation } from "../../src/lab/shell/app/presentation.ts";
import { savedIn } from "../../src/lab/support/savedSettings.ts";

describe("presentation mode", () => {
  it("is applied at once and at every change, and remembered", () => {
    const map = new Map<string, string>();
    const keep = savedIn(() => ({
      getItem: (key) => map.get(key) ?? null,
      setItem: (key, value) => void map.set(key, value),
    }));
    const applied: boolean[] = [];
    const store = createPresentation(keep, (on) => applied.push(on));
    store.getState().toggle();
    expect([applied, store.getState().on]).toEqual([[false, true], true]);
    createPresentation(keep, (on) => applied.push(on))
      .getState()
      .toggle();
    expect(applied).toEqual([false, true, true, false]);
    expect(createPresentation(keep, () => undefined).getState().on).toBe(false);
  });
});

describe("pixels in rem", () => {
  it.each([
    ["14px", "0.875rem"],
    ["-20px -16px 0 auto", "-1.25rem -1rem 0 auto"],
    ["calc(100% - 12.5px)", "calc(100% - 0.78125rem)"],
    ["minmax(min(100%, 270px), 1fr)", "minmax(min(100%, 16.875rem), 1fr)"],
    ["1px solid var(--line)", "1px solid var(--line)"],
    ["inset 0 3px 0 var(--a-12px)", "inset 0 0.1875rem 0 var(--a-12px)"],
    ["url(a-16px.png)", "url(a-16px.png)"],
    ["#16px0", "#16px0"],
  ])("%s -> %s", (value, served) => expect(toRem(value)).toBe(served));
});
