/** @file Counting buffers: live, peak, and work that does not count for the peak. */
import { describe, expect, it } from "vitest";
import { MemoryMeter } from "../../src/engine/memoryMeter.ts";

function metered(): { readonly meter: MemoryMeter; readonly buffer: (size: number) => GPUBuffer } {
  const device = {
    createBuffer: ({ size }: GPUBufferDescriptor) => ({ size, destroy: () => undefined }),
  } as unknown as GPUDevice;
  const meter = new MemoryMeter(device);
  return { meter, buffer: (size) => device.createBuffer({ size, usage: 0 }) };
}

describe("the memory meter", () => {
  it("counts what is there and the most that ever was", () => {
    const { meter, buffer } = metered();
    const one = buffer(100);
    buffer(20);
    one.destroy();
    one.destroy();
    expect([meter.live, meter.peak]).toEqual([20, 120]);
    meter.resetPeak();
    expect(meter.peak).toBe(20);
  });

  it("does not count separate work in the peak, even when it fails, but counts what it leaves behind", async () => {
    const { meter, buffer } = metered();
    buffer(50);
    await meter.excludeFromPeak(async () => buffer(1000).destroy());
    expect([meter.live, meter.peak]).toEqual([50, 50]);
    await expect(
      meter.excludeFromPeak(async () => {
        buffer(1000).destroy();
        throw new Error("no");
      }),
    ).rejects.toThrow("no");
    expect(meter.peak).toBe(50);
    await meter.excludeFromPeak(async () => buffer(30));
    expect([meter.live, meter.peak]).toEqual([80, 80]);
  });
});
