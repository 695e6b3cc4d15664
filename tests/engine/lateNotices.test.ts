/** @file Waiting for a device in a browser that notices finished work only when something is submitted. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { noticed, noticesLate } from "../../src/engine/lateNotices.ts";

const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0";
const CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

/** Work that takes `ms`, and a queue that notices its end when something is submitted. */
function lateDevice(ms: number) {
  const ends = performance.now() + ms;
  let settle: (() => void) | undefined;
  const work = new Promise<string>((resolve) => {
    settle = () => resolve("done");
  });
  const submit = vi.fn(() => {
    if (performance.now() >= ends) settle?.();
  });
  return { device: { queue: { submit } as unknown as GPUQueue }, work, submit };
}

describe("waiting for a device", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it.each([
    { ms: 1, late: 2 },
    { ms: 50, late: 2 },
    { ms: 1000, late: 22 },
  ])("of $ms ms ends at most $late ms late", async ({ ms, late }) => {
    const { device, work, submit } = lateDevice(ms);
    const started = performance.now();
    const ended = noticed(device, work, true).then(() => performance.now() - started);
    await vi.advanceTimersByTimeAsync(2 * ms + 10);
    expect(await ended).toBeLessThanOrEqual(ms + late);
    const submissions = submit.mock.calls.length;
    await vi.advanceTimersByTimeAsync(1000);
    expect(submit).toHaveBeenCalledTimes(submissions);
    expect(submit).toHaveBeenLastCalledWith([]);
  });

  it("submits nothing where the browser notices by itself", async () => {
    const { device, submit } = lateDevice(0);
    const work = Promise.resolve("done");
    expect(noticed(device, work, false)).toBe(work);
    await vi.advanceTimersByTimeAsync(1000);
    expect(submit).not.toHaveBeenCalled();
  });

  it("ends with what fails", async () => {
    const { device, submit } = lateDevice(0);
    await expect(noticed(device, Promise.reject(new Error("lost")), true)).rejects.toThrow("lost");
    await vi.advanceTimersByTimeAsync(1000);
    expect(submit).not.toHaveBeenCalled();
  });

  it("is late in Firefox alone", () => {
    expect([noticesLate(FIREFOX), noticesLate(CHROME), noticesLate("Deno/2.9.6"), noticesLate("Node.js/22")]).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect(noticesLate(undefined)).toBe(false);
  });
});
