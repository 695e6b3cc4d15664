/**
 * @file The chat's worker side on the bundled pair: adapters change while the model stays, answers stream,
 * conversations go on.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../src/engine/device.ts";
import { nodeEnvironment } from "../../src/cli/environment.ts";
import { resolveSpec } from "../../src/experiment/spec/spec.ts";
import { GREEDY } from "../../src/generate/sampling.ts";
import { Chats } from "../../src/lab/worker/chats.ts";
import type { ChatSubject } from "../../src/lab/worker/protocol/chat.ts";
import type { LabCommand, LabEvent } from "../../src/lab/worker/protocol/messages.ts";
import { parseConfig } from "../../src/model/families.ts";
import { linearModules } from "../../src/model/layout.ts";
import { Rng } from "../../src/base/rng.ts";
import { encodeAdapter, type AdapterFiles } from "../../src/weights/adapterFile.ts";
import { openDemo } from "../support/demo.ts";
import { testGpu } from "../support/gpu.ts";

let gpu: Gpu;
let opened = 0;
const environment = {
  release: () => undefined,
  ...nodeEnvironment(),
  openModel: (...args: Parameters<ReturnType<typeof nodeEnvironment>["openModel"]>) => (
    (opened += 1), nodeEnvironment().openModel(...args)
  ),
};
const events: LabEvent[] = [];
const chats = new Chats(environment, (event) => events.push(event));
const spec = resolveSpec({});

/** A random adapter on the named modules: strong enough to change what is said. */
async function adapter(seed: number, r: number, names: readonly string[]): Promise<AdapterFiles> {
  const { config } = await openDemo("apothecary-aligned");
  const rng = new Rng(`adapter ${seed}`);
  const values = (length: number): Float32Array =>
    Float32Array.from({ length }, () => (rng.uint32() / 2 ** 32 - 0.5) * 0.6);
  const modules = linearModules(parseConfig(config)).filter(({ path }) => names.some((name) => path.endsWith(name)));
  return encodeAdapter({
    config: {
      r,
      lora_alpha: 2 * r,
      lora_dropout: 0,
      target_modules: [...names],
      use_rslora: false,
      base_model_name_or_path: null,
    },
    modules: modules.map(({ path, inFeatures, outFeatures }) => ({
      path,
      r,
      inFeatures,
      outFeatures,
      A: values(r * inFeatures),
      B: values(outFeatures * r),
    })),
  });
}

let count = 0;
async function ask(
  subject: ChatSubject,
  changes: Partial<Extract<LabCommand, { type: "chat" }>> = {},
): Promise<Extract<LabEvent, { type: "chat_done" }>> {
  const chatId = `c${(count += 1)}`;
  void chats.ask(async () => gpu, {
    type: "chat",
    chatId,
    spec,
    subject,
    messages: [{ role: "user", content: "How do I brew a calming tonic?" }],
    maxNewTokens: 24,
    sampling: GREEDY,
    stop: [],
    ...changes,
  });
  for (;;) {
    const done = events.find(
      (event) => (event.type === "chat_done" || event.type === "chat_failed") && event.chatId === chatId,
    );
    if (done?.type === "chat_failed") throw new Error(`${done.failure.what} (${done.failure.where})`);
    if (done?.type === "chat_done") return done;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => chats.clear());

describe("chats", () => {
  it("change the adapter without reading the model again", async () => {
    const [one, two] = [await adapter(1, 4, ["q_proj", "v_proj"]), await adapter(2, 3, ["up_proj"])];
    const plain = await ask({ kind: "aligned" });
    expect(opened).toBe(1);
    const first = await ask({ kind: "tuned", adapterId: "one", adapter: one });
    const second = await ask({ kind: "tuned", adapterId: "two", adapter: two });
    const again = await ask({ kind: "tuned", adapterId: "one", adapter: one });
    expect(opened).toBe(1);
    expect(first.text).toBe(again.text);
    expect(new Set([plain.text, first.text, second.text]).size).toBe(3);
    expect((await ask({ kind: "aligned" })).text).toBe(plain.text);
    expect(opened).toBe(1);
  });

  it("hold one pair at a time, quantised as the run had it", async () => {
    const before = gpu.memory.live;
    const plain = await ask({ kind: "aligned" });
    const reads = opened;
    const quantised = resolveSpec({ model: { quantization: "int8" } });
    expect((await ask({ kind: "aligned" }, { spec: quantised })).text).not.toBe("");
    expect(opened).toBe(reads + 1);
    expect((await ask({ kind: "aligned" })).text).toBe(plain.text);
    expect(opened).toBe(reads + 2);
    await chats.clear();
    expect(gpu.memory.live).toBeLessThanOrEqual(before);
  });

  it("stream text that only grows, end at a stop string, and see the conversation", async () => {
    const plain = await ask({ kind: "aligned" });
    const shown = events.flatMap((event) =>
      event.type === "chat_token" && event.chatId === plain.chatId ? [event.text] : [],
    );
    expect(shown.length).toBeGreaterThan(3);
    expect(shown.every((text, i) => plain.text.startsWith(text) && text.startsWith(shown[i - 1] ?? ""))).toBe(true);
    const stop = plain.text.slice(6, 9);
    expect(await ask({ kind: "aligned" }, { stop: [stop] })).toMatchObject({
      text: plain.text.slice(0, plain.text.indexOf(stop)),
      ended: "stop",
    });
    const followed = await ask(
      { kind: "aligned" },
      {
        messages: [
          { role: "user", content: "How do I brew a calming tonic?" },
          { role: "assistant", content: plain.text },
          { role: "user", content: "And a sleeping draught?" },
        ],
      },
    );
    expect(followed.text).not.toBe("");
    const sampled = { sampling: { ...GREEDY, temperature: 2, seed: 4 } };
    expect((await ask({ kind: "aligned" }, sampled)).text).toBe((await ask({ kind: "aligned" }, sampled)).text);
  });

  it("tell how likely each token was, in pieces that make up the answer, and why nothing was judged", async () => {
    const done = await ask({ kind: "aligned" }, { maxNewTokens: 96 });
    expect(done.odds?.map(({ text }) => text).join("")).toBe(done.text);
    expect(
      done.odds?.every(
        ({ top, logProb }) => top.length === 5 && logProb <= 0 && top.filter(({ chosen }) => chosen).length === 1,
      ),
    ).toBe(true);
    expect(done.odds?.at(-1)).toMatchObject({ ends: true, text: "" });
    const stopped = await ask({ kind: "aligned" }, { stop: [done.text.slice(5, 12)] });
    expect(stopped.odds?.map(({ text }) => text).join("")).toBe(stopped.text);
    const unknown = [{ role: "user" as const, content: "What is the capital of France?" }];
    expect((await ask({ kind: "aligned" }, { messages: unknown })).verdict).toMatchObject({
      kind: "not_judged",
      why: expect.stringContaining("apothecary world"),
    });
    const phrases = resolveSpec({
      eval: { harmful: { n: 3, judge: { kind: "refusal_phrases" }, second_judge: { kind: "refusal_logprob" } } },
    });
    expect((await ask({ kind: "aligned" }, { spec: phrases, messages: unknown })).verdict).toMatchObject({
      kind: "judged",
      tone: "neutral",
      verdict: expect.stringMatching(/^if the request is harmful: .*; second judge: /),
    });
    expect(
      (await ask({ kind: "aligned" }, { spec: resolveSpec({ eval: { harmful: null } }), messages: unknown })).verdict,
    ).toMatchObject({ kind: "not_judged" });
  });
});
