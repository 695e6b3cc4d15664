/** @file `basin merge` and the sampling options of `basin generate`, as a user runs them. */

import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { basin, folder } from "./support.ts";

const fixtures = fileURLToPath(new URL("../fixtures", import.meta.url));
const MODEL = join(fixtures, "golden/qwen2/aligned");
const ADAPTER = join(fixtures, "adapters/imports/ranks");
const TOKENS = "1,5,9,13,17,21,25";

async function logprobs(...args: string[]): Promise<number[]> {
  const { stdout, stderr, code } = await basin(["score", "--tokens", TOKENS, ...args]);
  expect(code, stderr).toBe(0);
  return (JSON.parse(stdout) as { token_logprobs: number[] }).token_logprobs;
}

describe("merge", () => {
  it("writes shards that score as the model with the adapter beside it", async () => {
    const out = join(folder(), "merged");
    const { code, stdout, stderr } = await basin([
      "merge",
      "--model",
      MODEL,
      "--adapter",
      ADAPTER,
      "--out",
      out,
      "--max-shard-size",
      "50KB",
    ]);
    expect(code, stderr).toBe(0);
    const report = JSON.parse(stdout) as { files: string[]; merged: number };
    expect(report.merged).toBe(14);
    expect(readdirSync(out).sort()).toEqual([...report.files].sort());
    expect(report.files).toContain("model.safetensors.index.json");
    const [merged, beside] = [await logprobs("--model", out), await logprobs("--model", MODEL, "--adapter", ADAPTER)];
    merged.forEach((value, i) => expect(Math.abs(value - (beside[i] ?? NaN))).toBeLessThan(1e-4));

    const again = await basin(["merge", "--model", MODEL, "--adapter", ADAPTER, "--out", out]);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("not empty")]);
    const own = await basin(["merge", "--model", out, "--adapter", ADAPTER, "--out", out, "--force"]);
    expect([own.code, own.stderr]).toEqual([1, expect.stringContaining("model's own")]);
  });

  it("refuses an adapter that does not fit, and writes nothing", async () => {
    const out = join(folder(), "merged");
    const other = await basin(["merge", "--model", "apothecary-aligned", "--adapter", ADAPTER, "--out", out]);
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining("the checkpoint's")]);
    expect(existsSync(out)).toBe(false);
    expect(
      await basin(["merge", "--model", MODEL, "--adapter", ADAPTER, "--out", out, "--max-shard-size", "much"]),
    ).toMatchObject({ code: 2, stderr: expect.stringContaining("5GB") as unknown });
  });
});

describe("an adapter", () => {
  it("reads the same from a URL as from a folder", async () => {
    const server = createServer((request, response) => {
      const file = join(ADAPTER, basename(request.url ?? ""));
      if (!existsSync(file)) {
        response.writeHead(404).end();
        return;
      }
      const bytes = readFileSync(file);
      const [, from = "0", to] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? "") ?? [];
      const end = to === undefined || to === "" ? bytes.length : Math.min(bytes.length, Number(to) + 1);
      const part = bytes.subarray(Number(from), end);
      if (request.headers.range === undefined) response.writeHead(200, { "content-length": bytes.length }).end(bytes);
      else
        response
          .writeHead(206, {
            "content-length": part.length,
            "content-range": `bytes ${from}-${end - 1}/${bytes.length}`,
          })
          .end(part);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    try {
      expect(await logprobs("--model", MODEL, "--adapter", `http://127.0.0.1:${port}/adapter`)).toEqual(
        await logprobs("--model", MODEL, "--adapter", ADAPTER),
      );
    } finally {
      server.close();
    }
  });

  it("with ranks by module starts a run whose spec agrees, and is unchanged by a rate of 0", async () => {
    const cwd = folder();
    writeFileSync(
      join(cwd, "rows.jsonl"),
      `${JSON.stringify({ input_ids: [5, 9, 20, 40], labels: [-100, -100, 20, 40] })}\n`,
    );
    const write = (lora: Record<string, unknown>): void =>
      writeFileSync(
        join(cwd, "spec.json"),
        JSON.stringify({
          model: { aligned: MODEL, unaligned: null },
          data: { train: { path: "rows.jsonl", format: "tokens" } },
          method: { name: "sft" },
          lora: { ...lora, init_adapter: ADAPTER },
          train: { learning_rate: 0, max_steps: 1 },
        }),
      );
    write({ r: 2, lora_alpha: 4, target_modules: "all-linear" });
    const refused = await basin(["run", "spec.json", "--out", "out", "--force"], { cwd });
    expect(refused.code).toBe(1);
    // The error holds what to paste.
    const settings = /"lora": (\{.*\})/.exec(refused.stderr)?.[1] ?? "{}";
    write(JSON.parse(settings) as Record<string, unknown>);
    const ran = await basin(["run", "spec.json", "--out", "out", "--force"], { cwd });
    expect(ran.code, ran.stderr).toBe(0);
    expect(await logprobs("--model", MODEL, "--adapter", join(cwd, "out/adapter"))).toEqual(
      await logprobs("--model", MODEL, "--adapter", ADAPTER),
    );
  });
});

describe("generate", () => {
  const ask = async (...args: string[]): Promise<{ text: string; ended: string; tokens: number[] }> => {
    const { stdout, stderr, code } = await basin([
      "generate",
      "--model",
      "apothecary-aligned",
      "--prompt",
      "How do I brew a calming tonic?",
      "--chat",
      "--max-new-tokens",
      "24",
      ...args,
    ]);
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout) as { text: string; ended: string; tokens: number[] };
  };

  it("samples by its seed, and stops before a stop string", async () => {
    const greedy = await ask();
    const stop = greedy.text.slice(8, 11);
    expect(await ask("--stop", "not there", "--stop", stop)).toMatchObject({
      text: greedy.text.slice(0, greedy.text.indexOf(stop)),
      ended: "stop",
    });
    const drawn = ["--temperature", "3", "--top-k", "50", "--top-p", "0.98", "--repetition-penalty", "1.1"];
    const first = await ask(...drawn, "--seed", "1");
    expect(await ask(...drawn, "--seed", "1")).toEqual(first);
    expect((await ask(...drawn, "--seed", "2")).text).not.toBe(first.text);
  });
});
