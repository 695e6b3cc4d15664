/**
 * @file A run whose pair comes over the network: the bundled models behind a local server with the hub's interface.
 * What the unaligned twin costs is counted where the bytes are sent.
 */
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCheckpoint } from "../../src/weights/checkpoint.ts";
import { memorySource } from "../../src/weights/byteSource.ts";
import { demoFolder, type DemoName } from "../support/demo.ts";
import { HubServer, TOKEN } from "../weights/hubServer.ts";
import { basin, folder } from "./support.ts";

function filesOf(name: DemoName): Record<string, Uint8Array> {
  const path = demoFolder(name);
  return Object.fromEntries(readdirSync(path).map((file) => [file, new Uint8Array(readFileSync(join(path, file)))]));
}

const twin = filesOf("apothecary-base");
let hub: HubServer;
beforeAll(async () => {
  hub = await HubServer.start({
    "lab/aligned": { files: filesOf("apothecary-aligned"), access: "private", lfsFrom: 100_000 },
    "lab/base": { files: twin, access: "private", lfsFrom: 100_000 },
  });
});
afterAll(() => hub.stop());

async function run(method: Record<string, unknown>): Promise<Awaited<ReturnType<typeof basin>>> {
  hub.seen.length = 0;
  hub.storage.reset();
  const out = folder();
  const spec = join(out, "spec.in.json");
  writeFileSync(
    spec,
    JSON.stringify({
      model: { aligned: "lab/aligned@v1", unaligned: "lab/base" },
      data: { train: { source: "apothecary", n: 8 } },
      method,
      train: { max_steps: 1, per_device_train_batch_size: 2 },
      eval: { harmful: null, task: null, benign: null },
    }),
  );
  return basin(["run", spec, "--out", out], { env: { HF_ENDPOINT: hub.base, HF_TOKEN: TOKEN } });
}

describe("a run over the network", () => {
  it("with AsFT reads only the twin's header and targeted matrices, and says so", async () => {
    const { code, stderr, stdout } = await run({ name: "asft", lambda: 1 });
    expect(stderr).toContain("finished after 1 steps");
    expect(code).toBe(0);
    const checkpoint = await openCheckpoint(memorySource("twin", twin));
    const all = [...checkpoint.tensors.values()];
    const bytes = (tensors: typeof all): number => tensors.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const targeted = bytes(all.filter(({ name }) => /(q|v)_proj\.weight$/.test(name)));
    const megabytes = (count: number): string => `${(count / 1e6).toFixed(1)} MB`;
    expect(stderr).toContain(`reads ${megabytes(targeted)} of ${megabytes(bytes(all))} of the unaligned twin`);
    const weights = twin["model.safetensors"] ?? new Uint8Array();
    const header = 8 + new DataView(weights.buffer).getUint32(0, true);
    expect(hub.storage.sent.get("lab/base/model.safetensors")).toBe(header + targeted);
    // Neither its tokenizer nor anything else but config.json.
    const read = hub.seen.flatMap(({ path }) => /^\/lab\/base\/resolve\/[^/]+\/(.+)$/.exec(path)?.[1] ?? []);
    expect(new Set(read)).toEqual(new Set(["config.json", "model.safetensors"]));
    expect(stderr + stdout).not.toContain(TOKEN);
  });

  it("with SFT reads nothing at all of the twin", async () => {
    const { code, stderr } = await run({ name: "sft" });
    expect(stderr).not.toContain("unaligned twin");
    expect(code).toBe(0);
    expect(hub.seen.filter(({ path }) => path.includes("base"))).toEqual([]);
    expect(hub.storage.sent.get("lab/base/model.safetensors")).toBeUndefined();
  });

  it("reports what is wrong with a hub model", async () => {
    const { code, stderr } = await basin(["score", "--model", "lab/nowhere", "--tokens", "1"], {
      env: { HF_ENDPOINT: hub.base, HF_TOKEN: "" },
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/no repository lab\/nowhere/);
    expect(stderr).toMatch(/fix: .*access token/);
  });
});
