/** @file Who listens for a device's loss is told once, and is free once it has ceased to listen. */
import { expect, it } from "vitest";
import { onDeviceLost, unlessLost } from "../../src/engine/deviceLoss.ts";
import { collectGarbage } from "../support/garbage.ts";

function device() {
  let lose: (info: GPUDeviceLostInfo) => void = () => undefined;
  const lost = new Promise<GPUDeviceLostInfo>((resolve) => (lose = resolve));
  const info = { reason: "unknown", message: "the driver was reset" } as GPUDeviceLostInfo;
  return { lost, lose: () => lose(info), info };
}

it("a listener is told once, also one that comes after the loss, and not after it has ceased", async () => {
  const { lost, lose, info } = device();
  const told: string[] = [];
  onDeviceLost({ lost }, (seen) => told.push(`first ${seen.message}`));
  onDeviceLost({ lost }, () => told.push("ceased"))();
  lose();
  await lost;
  await Promise.resolve();
  expect(told).toEqual([`first ${info.message}`]);
  const late = new Promise((resolve) => onDeviceLost({ lost }, resolve));
  expect(await late).toBe(info);
  expect(told).toHaveLength(1);
});

it("work ends with its result, its error, or the loss", async () => {
  const { lost, lose } = device();
  expect(await unlessLost({ lost }, Promise.resolve(7))).toBe(7);
  await expect(unlessLost({ lost }, Promise.reject(new Error("no")))).rejects.toThrow("no");
  const never = unlessLost({ lost }, new Promise<number>(() => undefined));
  lose();
  expect(await never).toBeNull();
});

it("what has ceased to listen is freed while the device lives", async () => {
  const { lost } = device();
  const listen = (): WeakRef<object> => {
    const run = { steps: 7 };
    onDeviceLost({ lost }, () => (run.steps = 0))();
    return new WeakRef(run);
  };
  const seen = listen();
  await collectGarbage();
  expect(seen.deref()).toBeUndefined();
  await Promise.race([lost, Promise.resolve()]);
});
