/**
 * @file A model of real size on the software adapter: random weights in the exact shape of SmolLM2-135M (270 MB in
 * bf16, written to a temporary folder) are scored with, continued with and trained on with AsFT, in Node and in
 * Chromium. Some minutes on two cores; the figures are printed.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "@playwright/test";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeEnvironment } from "../../src/cli/environment.ts";
import { testGpu } from "../support/gpu.ts";
import { type Account, PROMPT, exercise } from "./exercise.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "basin-smollm-"));
const ROW_TOKENS = 32;
let server: ChildProcess;
let address = "";
let inNode: Account | null = null;

beforeAll(async () => {
  const script = (name: string, ...args: string[]): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [join(root, "scripts", name), ...args], { stdio: "inherit" });
      child.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`${name} ended with ${code}`))));
    });
  await script("randomCheckpoint.mjs", join(folder, "base"), "--seed", "1");
  await script("randomCheckpoint.mjs", join(folder, "aligned"), "--seed", "2", "--like", "1");
  writeFileSync(join(folder, "index.html"), "<!doctype html><title>Long test</title>");
  server = spawn(process.execPath, [fileURLToPath(new URL("rangeServer.mjs", import.meta.url)), folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  address = await new Promise<string>((resolve) =>
    server.stdout?.once("data", (data: Buffer) => resolve(data.toString().trim())),
  );
});
afterAll(() => {
  server.kill();
  rmSync(folder, { recursive: true, force: true });
});

function tell(where: string, account: Account): void {
  const gib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  const { seconds, steps, planned, peak, device, recomputed } = account;
  process.stdout.write(
    `${where} (${device}): load ${seconds.load} s, score ${PROMPT.length} tokens ` +
      `${seconds.score} s, 8 new tokens ${seconds.generate} s, ` +
      `run ${seconds.run} s with steps of ` +
      `${steps.map((step) => `${step.seconds} s`).join(", ")}` +
      `${recomputed ? " (layers recomputed)" : ""}; ` +
      `device memory planned ${gib(planned.total)}, peak ${gib(peak)}; ce ` +
      `${steps.map(({ ce }) => ce.toFixed(4)).join(", ")}\n`,
  );
}

function check({ logProbabilities, continuation, steps, planned, peak }: Account): void {
  expect(logProbabilities).toHaveLength(PROMPT.length - 1);
  // Random weights know nothing: about log(vocabulary) nats a token.
  expect(-logProbabilities.reduce((sum, value) => sum + value, 0) / logProbabilities.length).toBeCloseTo(
    Math.log(49_152),
    -0.5,
  );
  expect(continuation).toHaveLength(8);
  expect(steps).toHaveLength(3);
  // B starts at zero, so that the first step has no penalty.
  expect(steps[0]?.penalty).toBe(0);
  expect(steps[1]?.penalty).toBeGreaterThan(0);
  for (const { ce, grad_norm } of steps) expect(Number.isFinite(ce) && grad_norm > 0).toBe(true);
  expect(Math.abs(planned.total - peak) / peak).toBeLessThanOrEqual(0.05);
}

describe("SmolLM2-135M's shape", () => {
  it("in Node", async () => {
    const gpu = await testGpu();
    const models = { aligned: join(folder, "aligned"), unaligned: join(folder, "base") };
    inNode = await exercise(gpu, nodeEnvironment(), { ...models, checkpointing: "auto", rowTokens: ROW_TOKENS });
    tell("Node", inNode);
    check(inNode);
    const again = await exercise(gpu, nodeEnvironment(), { ...models, checkpointing: true, rowTokens: ROW_TOKENS });
    tell("Node", again);
    check(again);
    expect(again.peak).toBeLessThan(inNode.peak);
    const numbers = ({ steps }: Account): unknown =>
      steps.map(({ ce, penalty, grad_norm }) => ({ ce, penalty, grad_norm }));
    expect(numbers(again)).toEqual(numbers(inNode));
  });

  it("in Chromium", async () => {
    const bundle = await build({
      root,
      configFile: false,
      logLevel: "error",
      // One file, which a page takes as it is.
      build: {
        write: false,
        minify: false,
        target: "es2022",
        rolldownOptions: { output: { codeSplitting: false } },
        lib: {
          entry: fileURLToPath(new URL("exerciseInPage.ts", import.meta.url)),
          formats: ["es"],
          fileName: "exercise",
        },
      },
    });
    const [output] = [bundle].flat();
    const code = output && "output" in output ? output.output.find((chunk) => chunk.type === "chunk")?.code : undefined;
    if (code === undefined) throw new Error("the exercise was not built");
    const browser = await chromium.launch({
      executablePath: process.env.CHROME_PATH ?? "/usr/bin/chromium",
      args: [
        "--enable-unsafe-webgpu",
        ...(process.env.BASIN_SOFTWARE_GPU === "0"
          ? ["--enable-features=Vulkan", "--ignore-gpu-blocklist"]
          : ["--use-webgpu-adapter=swiftshader"]),
      ],
    });
    try {
      const page = await browser.newPage();
      await page.goto(`${address}/index.html`);
      await page.addScriptTag({ content: code, type: "module" });
      await page.waitForFunction(() => globalThis.runExercise !== undefined);
      const account = await page.evaluate((task) => globalThis.runExercise?.(task), {
        aligned: `${address}/aligned`,
        unaligned: `${address}/base`,
        checkpointing: "auto" as const,
        rowTokens: ROW_TOKENS,
      });
      if (!account) throw new Error("no account");
      tell("Chromium", account);
      check(account);
      // Another driver, the same numbers.
      account.logProbabilities.forEach((value, t) =>
        expect(Math.abs(value - (inNode?.logProbabilities[t] ?? value))).toBeLessThanOrEqual(2e-4),
      );
      account.steps.forEach(({ ce }, step) =>
        expect(Math.abs(ce - (inNode?.steps[step]?.ce ?? ce))).toBeLessThanOrEqual(1e-3),
      );
    } finally {
      await browser.close();
    }
  });
});
