/** @file The lock between tabs around the kept kernels: the work is done once, whatever the lock does. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { aloneWithKernels } from "../../src/lab/worker/kernelStore.ts";

function withLocks(request: (name: string, options: LockOptions, work: () => Promise<void>) => Promise<void>): void {
  vi.stubGlobal("navigator", { locks: { request } });
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("the lock on kept kernels", () => {
  it("is held during the work", async () => {
    const log: string[] = [];
    withLocks(async (name, _, work) => {
      log.push(`take ${name}`);
      await work();
      log.push("release");
    });
    await aloneWithKernels(async () => void log.push("work"));
    expect(log).toEqual(["take basin-kernels", "work", "release"]);
  });

  it("is done without where it is refused or does not come", async () => {
    withLocks(() => Promise.reject(new DOMException("denied", "SecurityError")));
    const work = vi.fn(() => Promise.resolve());
    await aloneWithKernels(work);
    withLocks((_, { signal }) =>
      Promise.reject(
        signal?.aborted === false
          ? new DOMException("waited for too long", "TimeoutError")
          : new Error("no end to the waiting"),
      ),
    );
    await aloneWithKernels(work);
    expect(work).toHaveBeenCalledTimes(2);
  });

  it("passes on what goes wrong with the work, and does not do it twice", async () => {
    withLocks((_name, _options, work) => work());
    const work = vi.fn(() => Promise.reject(new Error("broken")));
    await expect(aloneWithKernels(work)).rejects.toThrow("broken");
    expect(work).toHaveBeenCalledTimes(1);
  });
});
