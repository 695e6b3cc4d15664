/** @file Choosing models: names, folders, what the worker is told, what is kept in the browser. */
import { describe, expect, it } from "vitest";
import { foldersOf, orderPair } from "../../src/lab/setup/models/folders.ts";
import { hubFromText, hubParts, kindOf, PAIRS } from "../../src/lab/setup/models/modelNames.ts";
import { factsKey, ModelController } from "../../src/lab/setup/models/modelController.ts";
import { noticeText } from "../../src/lab/setup/models/storageController.ts";
import { reduceRun, startRun, withPendingCommand } from "../../src/lab/run/runState.ts";
import { resolveSpec } from "../../src/experiment/spec/spec.ts";
import { LabClient } from "../../src/lab/worker/client.ts";
import { modelFacts } from "../../src/lab/worker/modelFacts.ts";
import type { RunEvent } from "../../src/experiment/run/events.ts";
import { memorySource } from "../../src/weights/byteSource.ts";
import { openCheckpoint } from "../../src/weights/checkpoint.ts";
import { cachedSource } from "../../src/weights/cache/cachedSource.ts";
import { WeightsCache } from "../../src/weights/cache/weightsCache.ts";
import { Disk, FakeFiles, FakeLocks, noise, server } from "../weights/cache/support.ts";
import { files as tinyFiles } from "../weights/support.ts";
import { ScriptedWorker } from "./openLab.ts";
import { memoryStorage } from "./memoryStorage.ts";

const given = (...paths: readonly string[]) =>
  paths.map((path) => ({ path, file: new File([path], path.split("/").at(-1) ?? "") }));

describe("names", () => {
  it("are sorted by where the model comes from", () => {
    expect(
      [null, "apothecary-base", "owner/name@dev", "https://host/m/", "./models/x", "folder:x", "a/b/c"].map(kindOf),
    ).toEqual(["none", "bundled", "hub", "address", "address", "folder", null]);
    expect(hubParts("owner/name@dev")).toEqual({ repo: "owner/name", revision: "dev" });
    for (const { aligned, unaligned } of PAIRS) expect([kindOf(aligned), kindOf(unaligned)]).toEqual(["hub", "hub"]);
  });

  it("of the hub are read as people write and paste them", () => {
    expect(hubFromText(" owner/name ", "")).toBe("owner/name");
    expect(hubFromText("owner/name", "dev")).toBe("owner/name@dev");
    expect(hubFromText("owner/name@v2", "dev")).toBe("owner/name@v2");
    expect(hubFromText("https://huggingface.co/owner/name/tree/v1", "")).toBe("owner/name@v1");
    expect(hubFromText("https://huggingface.co/owner/name", "main")).toBe("owner/name");
    expect(hubFromText("", "dev")).toBe("");
  });
});

describe("folders", () => {
  it("a model, a pair, a folder that holds a pair, loose files", () => {
    const names = (...paths: readonly string[]) =>
      foldersOf(given(...paths)).map(({ name, source }) => [
        name,
        source.kind === "files" ? [...source.files.keys()] : [],
      ]);
    expect(names("m/config.json", "m/model.safetensors", "m/onnx/config.json", "m/.git/config.json")).toEqual([
      ["m", ["config.json", "model.safetensors", "onnx/config.json"]],
    ]);
    expect(names("a/config.json", "b/config.json", "notes.txt")).toEqual([
      ["a", ["config.json"]],
      ["b", ["config.json"]],
    ]);
    expect(names("pair/a/config.json", "pair/b/config.json", "pair/b/model.safetensors")).toEqual([
      ["a", ["config.json"]],
      ["b", ["config.json", "model.safetensors"]],
    ]);
    expect(names("x/a/config.json", "y/a/config.json")).toEqual([
      ["a", ["config.json"]],
      ["y/a", ["config.json"]],
    ]);
    expect(names("config.json", "model.safetensors")).toEqual([
      ["dropped files", ["config.json", "model.safetensors"]],
    ]);
    expect(names("m/model.safetensors")).toEqual([["m", ["model.safetensors"]]]);
    expect(names()).toEqual([]);
  });

  it("the aligned one of two is known by its name", () => {
    expect(orderPair("SmolLM2-135M", "SmolLM2-135M-Instruct").aligned).toBe("SmolLM2-135M-Instruct");
    expect(orderPair("gemma-3-270m-it", "gemma-3-270m").aligned).toBe("gemma-3-270m-it");
    expect(orderPair("apothecary-base", "apothecary-aligned")).toEqual({
      aligned: "apothecary-aligned",
      unaligned: "apothecary-base",
    });
    expect(orderPair("first", "second")).toEqual({ aligned: "first", unaligned: "second" });
  });
});

function models() {
  const worker = new ScriptedWorker();
  let changes = 0;
  const made = new ModelController(new LabClient(worker, (flush) => flush()), null, () => (changes += 1));
  return { made, worker, changes: () => changes };
}

describe("the models of a tab", () => {
  it("are opened once, and again when the token changes; the token is told to the worker only", async () => {
    const { made, worker, changes } = models();
    const asked = made.inspect("aligned", "owner/gated");
    void made.inspect("aligned", "owner/gated");
    expect(worker.messages).toEqual([
      { type: "request", id: 1, name: "inspect", input: { name: "owner/gated", tokenizer: true } },
    ]);
    worker.say({
      type: "request_failed",
      id: 1,
      failure: { what: "It asks for consent", where: "owner/gated", fix: "Give a token." },
    });
    await asked;
    expect(made.store.getState().facts[factsKey("aligned", "owner/gated")]).toMatchObject({ kind: "failed" });
    made.setToken("hf_secret");
    expect(worker.messages.at(-1)).toEqual({ type: "hub_access", access: { token: "hf_secret" } });
    expect(made.store.getState()).toMatchObject({ facts: {}, hasToken: true });
    expect(JSON.stringify(made.store.getState())).not.toContain("secret");
    expect(changes()).toBe(1);
    made.setHubUrl("https://mirror");
    // The same again changes nothing: no plan is made anew.
    made.setHubUrl("https://mirror");
    made.setToken("");
    expect(changes()).toBe(2);
    // the token was for the other hub
    expect(worker.messages.at(-1)).toEqual({ type: "hub_access", access: { hubUrl: "https://mirror" } });
  });

  it("folders get the name that the spec has, and another folder of that name another", async () => {
    const { made, worker } = models();
    expect(await made.attach(foldersOf(given("m/config.json")))).toEqual(["folder:m"]);
    expect(worker.messages).toMatchObject([{ type: "attach_folder", name: "m", source: { kind: "files" } }]);
    expect(made.store.getState().folders).toEqual(["m"]);
    const other = [{ path: "m/config.json", file: new File(["other"], "config.json") }];
    const [second] = await made.attach(foldersOf(other));
    expect(second).toMatch(/^folder:m \([0-9a-f]{8}\)$/);
    expect(await made.attach(foldersOf(given("m/config.json")))).toEqual(["folder:m"]);
    expect(await made.attach(foldersOf(other))).toEqual([second]);
    // Chosen for a name, it takes that name whatever it meant before.
    const [folder] = foldersOf(other);
    if (folder !== undefined) made.attachAs("m", folder);
    expect(await made.attach(foldersOf(other))).toEqual(["folder:m"]);
  });

  it("facts come from the headers, and a model that cannot run says why", async () => {
    const checkpoint = await openCheckpoint(memorySource("tiny", tinyFiles()));
    const facts = await modelFacts(checkpoint, { tokenizer: true });
    expect(facts).toMatchObject({
      name: "tiny",
      family: "llama",
      parameters: 8,
      bytes: 22,
      dtypes: ["F32", "BF16", "F16"],
      tokenizer: false,
    });
    expect(facts.problem).not.toBeNull();
    expect((await modelFacts(checkpoint, { tokenizer: false })).tokenizer).toBeNull();
  });
});

describe("what is kept", () => {
  it("is listed with its size and removed one by one or all", async () => {
    const disk = new Disk();
    for (const name of ["one", "two"])
      await cachedSource(
        server(name, { f: noise(300) }),
        new WeightsCache(new FakeFiles(disk), new FakeLocks()),
        name,
      ).read("f", 0, 300);
    const storage = memoryStorage(disk);
    await storage.refresh();
    const { view } = storage.store.getState();
    if (view.kind !== "ready") throw new Error(view.kind);
    expect(view.models.map(({ title, bytes }) => [title, bytes]).sort()).toEqual([
      ["one", 300],
      ["two", 300],
    ]);
    await storage.remove(view.models[0]?.id ?? "");
    expect(storage.store.getState()).toMatchObject({ removing: false, view: { models: [{ bytes: 300 }] } });
    await storage.remove(null);
    expect(storage.store.getState().view).toMatchObject({ models: [], usage: 0 });
  });

  it("is said to be unavailable where the browser gives none", async () => {
    const storage = memoryStorage(new Disk(), { estimate: () => Promise.reject(new Error("private window")) });
    await storage.refresh();
    expect(storage.store.getState().view).toEqual({ kind: "unavailable", why: "private window" });
  });

  it("the newest notice of a kind stands for the earlier ones", () => {
    const storage = memoryStorage();
    for (const why of ["a", "b"]) storage.onNotice({ kind: "offline", model: "m", at: 0, why });
    const { notices } = storage.store.getState();
    expect(notices).toHaveLength(1);
    const [notice] = notices;
    if (notice === undefined) throw new Error("no notice");
    expect(noticeText(notice, () => "Monday")).toBe("m cannot be reached (b). Using the copy saved on Monday.");
    storage.dismiss(notice);
    expect(storage.store.getState().notices).toEqual([]);
  });
});

describe("loading", () => {
  const transfer = (file: string, done: number) =>
    ({ checkpoint: "m", file, done, total: 10, bytesPerSecond: 1, etaSeconds: null, origin: "network" }) as const;

  it("shows each file as it stands, and a cancel leaves nothing behind", () => {
    let state = startRun("r", resolveSpec({}), 0);
    state = reduceRun(state, [
      { type: "phase", runId: "r", phase: "loading", transfer: transfer("a", 1) },
      { type: "phase", runId: "r", phase: "loading", transfer: transfer("b", 2) },
      { type: "phase", runId: "r", phase: "loading", transfer: transfer("a", 7) },
      { type: "phase", runId: "r", phase: "loading", progress: 0.5 },
    ]);
    expect(state).toMatchObject({
      kind: "working",
      progress: 0.5,
      transfers: [
        { file: "b", done: 2 },
        { file: "a", done: 7 },
      ],
    });
    const failed: RunEvent = {
      type: "failed",
      runId: "r",
      failure: { what: "stopped", where: "run", fix: "" },
      lastStep: 0,
      adapterKept: false,
    };
    expect(reduceRun(state, [failed]).kind).toBe("failed");
    expect(reduceRun(withPendingCommand(state, "stop"), [failed]).kind).toBe("idle");
  });
});
