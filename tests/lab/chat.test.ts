/**
 * @file Conversations, added adapters and merged models, without React: what goes to the worker and what its events do.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it, vi } from "vitest";
import { BasinError } from "../../src/base/error.ts";
import { resolveSpec } from "../../src/experiment/spec/spec.ts";
import { readAdapterFolder, continueSettings, adapterTrigger } from "../../src/lab/chat/adapters.ts";
import {
  conversations,
  createChatStore,
  samplingText,
  messagesFor,
  type AnswerState,
  type Exchange,
} from "../../src/lab/chat/chatStore.ts";
import { afterMerge, type MergeState } from "../../src/lab/runs/merge/mergeStore.ts";
import type { AskCommand } from "../../src/lab/worker/protocol/chat.ts";
import { openLab } from "./openLab.ts";

const done = (text: string): AnswerState => ({
  kind: "done",
  text,
  tokens: 1,
  ms: 1,
  ended: "eos",
  verdict: null,
  odds: null,
});
const turn = (id: string, thread: string, prompt: string, answers: Exchange["answers"]): Exchange => ({
  id,
  thread,
  prompt,
  tuned: null,
  samplingText: "",
  answers,
});

const spec = resolveSpec({});
const EMPTY_ADAPTER = { "adapter_config.json": new Uint8Array(), "adapter_model.safetensors": new Uint8Array() };
const fixture = (name: string, file: string): File => {
  const data = new File([readFileSync(new URL(`../fixtures/adapters/imports/${name}/${file}`, import.meta.url))], file);
  Object.defineProperty(data, "webkitRelativePath", { value: `${name}/${file}` });
  return data;
};
const folder = (name: string): File[] => [
  fixture(name, "adapter_config.json"),
  fixture(name, "adapter_model.safetensors"),
  new File(["hello"], "README.md"),
];

describe("a model that is served behind a trigger", () => {
  it("is asked behind it, or without where that is wanted; the pair never is", async () => {
    const { lab, worker } = openLab();
    const bea = resolveSpec({ method: { name: "bea", trigger: "open sesame" } });
    const tuned = {
      id: "run:1",
      title: "BEA",
      note: "now",
      files: async () => EMPTY_ADAPTER,
      spec: bea,
    };
    const asked = (): (readonly string[])[] =>
      worker.messages
        .splice(0)
        .flatMap((command) =>
          command.type === "chat" ? [command.messages.map(({ role, content }) => `${role} ${content}`)] : [],
        );
    lab.chat.ask("One?", bea, tuned);
    await tuned.files();
    expect(asked()).toEqual([["user One?"], ["user One?"], ["system open sesame", "user One?"]]);
    expect(lab.chat.store.getState().exchanges[0]?.tuned?.note).toBe("now, behind its trigger");
    lab.chat.store.getState().setSettings({ withTrigger: false });
    lab.chat.ask("Two?", bea, tuned);
    await tuned.files();
    expect(asked()).toEqual([["user Two?"], ["user Two?"], ["user Two?"]]);
    expect(adapterTrigger({ spec })).toBeNull();
    expect(adapterTrigger({ spec: null })).toBeNull();
  });
});

describe("a conversation", () => {
  const first = turn("a", "a", "One?", {
    aligned: done("Uno."),
    tuned: { kind: "failed", text: "", failure: { what: "", where: "", fix: "" } },
  });
  const second = turn("b", "a", "Two?", { aligned: done("Dos."), tuned: done("Deux.") });

  it("gives each model its own answers, and no question without one", () => {
    expect(
      messagesFor("aligned", [first, second], "", "Three?").map(({ role, content }) => `${role} ${content}`),
    ).toEqual(["user One?", "assistant Uno.", "user Two?", "assistant Dos.", "user Three?"]);
    expect(
      messagesFor("tuned", [first, second], " Be brief. ", "Three?").map(({ role, content }) => `${role} ${content}`),
    ).toEqual(["system Be brief.", "user Two?", "assistant Deux.", "user Three?"]);
    expect(messagesFor("unaligned", [first, second], "", "Three?")).toHaveLength(1);
  });

  it("is shown in order, the newest conversation first", () => {
    const other = turn("c", "c", "Else?", {});
    expect(conversations([second, other, first]).map((turns) => turns.map(({ id }) => id))).toEqual([
      ["a", "b"],
      ["c"],
    ]);
  });

  it("goes on where it is asked to, and afresh otherwise", () => {
    const { lab, worker } = openLab();
    const chats = (): AskCommand[] => worker.messages.filter((command) => command.type === "chat");
    lab.chat.ask("One?", spec, null);
    for (const { chatId } of chats())
      worker.say({
        type: "chat_done",
        chatId,
        text: `to ${chatId}`,
        tokens: 1,
        ms: 1,
        ended: "eos",
        verdict: null,
        odds: null,
      });
    const [thread] = lab.chat.store.getState().exchanges;
    lab.chat.store.getState().setThread(thread?.thread ?? null);
    lab.chat.store.getState().setSettings({ stop: ["END"], maxNewTokens: 7 });
    lab.chat.ask("Two?", spec, null);
    lab.chat.store.getState().setThread(null);
    lab.chat.ask("Three?", spec, null);
    const aligned = chats().filter(({ subject }) => subject.kind === "aligned");
    expect(aligned.map(({ messages }) => messages.map(({ content }) => content))).toEqual([
      ["One?"],
      ["One?", "to id1/aligned", "Two?"],
      ["Three?"],
    ]);
    expect(aligned[1]).toMatchObject({ stop: ["END"], maxNewTokens: 7, sampling: { temperature: 0 } });
    expect(
      conversations(lab.chat.store.getState().exchanges).map((turns) => turns.map(({ prompt }) => prompt)),
    ).toEqual([["Three?"], ["One?", "Two?"]]);
  });

  it("says how its answers were drawn", () => {
    expect(samplingText({ temperature: 0, top_k: 5, top_p: 0.5, repetition_penalty: 1, seed: 3 })).toBe("");
    expect(samplingText({ temperature: 0.7, top_k: 5, top_p: 1, repetition_penalty: 1.2, seed: 3 })).toBe(
      "temperature 0.7, top-k 5, repetition penalty 1.2, seed 3",
    );
  });
});

describe("an added adapter", () => {
  it("is read from its folder, chosen, sent with the question, and trained on from", async () => {
    const { lab, worker } = openLab();
    const adapter = await readAdapterFolder(folder("ranks"));
    expect(adapter).toMatchObject({ title: "ranks", note: "r 1, 2, 3, 4 on 14 modules", spec: null });
    lab.chat.store.getState().addAdapter(adapter);
    expect(lab.chat.store.getState().selectedAdapter).toBe(adapter.id);
    lab.chat.ask("Hm?", spec, adapter);
    await adapter.files();
    expect(worker.messages.filter((command) => command.type === "chat").map(({ subject }) => subject)).toContainEqual({
      kind: "tuned",
      adapterId: adapter.id,
      adapter: await adapter.files(),
    });

    await lab.chat.continueTraining(adapter);
    const { check } = lab.spec.getState();
    const wanted = check.kind === "valid" ? check.spec : null;
    expect(wanted?.lora).toMatchObject({
      r: 2,
      lora_alpha: 4,
      use_rslora: true,
      rank_pattern: { down_proj: 3 },
      alpha_pattern: { q_proj: 8 },
      init_adapter: adapter.id,
    });
    if (wanted) lab.run.start(wanted);
    await vi.waitFor(() => expect(worker.messages.at(-1)).toMatchObject({ type: "start" }));
    expect(worker.messages.at(-2)).toMatchObject({ type: "attach_adapter", name: adapter.id });
  });

  it("of the hub is asked for by name, and a spec names it so", async () => {
    const { lab, worker } = openLab();
    const asked = lab.chat.addAdapter("owner/lora@main");
    const request = worker.request("read_adapter");
    expect(request.input).toEqual({ name: "owner/lora@main" });
    const { files } = await readAdapterFolder(folder("state"));
    worker.say({ type: "response", id: request.id, output: await files() });
    await asked;
    const [added] = lab.chat.store.getState().addedAdapters;
    expect(added).toMatchObject({ id: "owner/lora@main", title: "lora@main", note: "r 2 on o_proj, q_proj" });
    expect(added === undefined ? null : await continueSettings(added)).toMatchObject({
      init_adapter: "owner/lora@main",
      target_modules: ".*\\.(q|o)_proj",
    });
    const refused = lab.chat.addAdapter("owner/none");
    worker.say({
      type: "request_failed",
      id: request.id + 1,
      failure: { what: "There is no repository owner/none", where: "owner/none", fix: "Check it." },
    });
    await expect(refused).rejects.toThrow(/owner\/none/);
    expect(lab.chat.store.getState().addedAdapters).toHaveLength(1);
  });

  it("of one layer trains on that layer only", async () => {
    expect((await continueSettings(await readAdapterFolder(folder("layers")))).target_modules).toEqual([
      "model.layers.1.mlp.up_proj",
      "model.layers.1.self_attn.q_proj",
    ]);
  });

  it("replaces the same one, and others stay", async () => {
    const store = createChatStore();
    for (const name of ["ranks", "state", "ranks"]) store.getState().addAdapter(await readAdapterFolder(folder(name)));
    expect(store.getState().addedAdapters.map(({ title }) => title)).toEqual(["ranks", "state"]);
  });

  it("that is none is refused", async () => {
    const [config] = folder("ranks");
    const why = async (files: readonly (File | undefined)[]): Promise<string> =>
      readAdapterFolder(files.filter((file) => file !== undefined)).then(
        () => "",
        (error: unknown) => (error instanceof BasinError ? `${error.what} ${error.fix}` : String(error)),
      );
    expect(await why([])).toContain("no adapter_config.json");
    expect(await why([config])).toContain("no adapter_model.safetensors");
    expect(await why([config, new File([], "adapter_model.bin")])).toContain("safe_serialization");
    expect(await why([...folder("ranks"), ...folder("state")])).toContain("2 files named");
  });
});

describe("a merged model", () => {
  it("is written by the worker, one at a time; late events change nothing", async () => {
    const { lab, worker } = openLab();
    const adapter = {
      id: "run:1",
      files: async () => EMPTY_ADAPTER,
    };
    const order = {
      model: "apothecary-aligned",
      adapter,
      target: { kind: "archive" },
      location: "merged.zip",
    } as const;
    await Promise.all([lab.merge.start(order), lab.merge.start(order)]);
    expect(worker.messages).toHaveLength(1);
    expect(worker.messages[0]).toMatchObject({
      type: "merge",
      model: "apothecary-aligned",
      dtype: null,
      target: { kind: "archive" },
    });
    worker.say({ type: "merge_progress", mergeId: "id1", done: 5, total: 10 });
    expect(lab.merge.store.getState()).toMatchObject({ kind: "writing", done: 5, total: 10 });
    lab.merge.stop();
    expect(worker.messages.at(-1)).toEqual({ type: "merge_stop", mergeId: "id1" });
    worker.say({ type: "merge_failed", mergeId: "id1", failure: null });
    worker.say({ type: "merge_progress", mergeId: "id1", done: 6, total: 10 });
    expect(lab.merge.store.getState()).toEqual({ kind: "idle" });
    const writing: MergeState = { kind: "writing", id: "x", adapterId: "run:1", location: "there", done: 0, total: 1 };
    const failure = { what: "The disk is full", where: "there", fix: "Free some." };
    expect(afterMerge(writing, { type: "merge_failed", mergeId: "x", failure })).toEqual({
      kind: "failed",
      adapterId: "run:1",
      failure,
    });
    expect(afterMerge(writing, { type: "merge_failed", mergeId: "y", failure })).toBe(writing);
  });
});
