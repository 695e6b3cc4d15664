/** @file Workers that fail: whatever waits for them is rejected with what to do about it. */
import { describe, expect, it } from "vitest";
import { BasinError } from "../../src/base/error.ts";
import { resolveSpec } from "../../src/experiment/spec/spec.ts";
import { LabClient } from "../../src/lab/worker/client.ts";
import { JudgeClient } from "../../src/lab/worker/judgeClient.ts";
import { onWorkerFailure } from "../../src/lab/worker/workerFailure.ts";
import { WeightsClient } from "../../src/weights/workerReader.ts";
import { openLab, ScriptedWorker } from "./openLab.ts";

const spec = resolveSpec({});

/** A worker that notes what it is told. */
class FakeWorker extends EventTarget {
  readonly messages: { readonly id?: number }[] = [];
  terminated = false;

  postMessage(message: { readonly id?: number }): void {
    this.messages.push(message);
  }

  terminate(): void {
    this.terminated = true;
  }
}

const uncaught = (message: string): Event =>
  Object.assign(new Event("error"), { message, filename: "gpu.worker.ts", lineno: 7 });

describe("a worker's failure", () => {
  it("says what happened and what to do, and whether it ever started", () => {
    const worker = new FakeWorker();
    const seen: unknown[] = [];
    onWorkerFailure(worker, "GPU worker", ({ what, where, fix }, kind) => seen.push([what, where, fix !== "", kind]));
    worker.dispatchEvent(new Event("error"));
    worker.dispatchEvent(uncaught("out of memory"));
    worker.dispatchEvent(new Event("messageerror"));
    expect(seen).toEqual([
      ["The GPU worker could not be started", "GPU worker", true, "never_started"],
      ["The GPU worker failed: out of memory", "GPU worker: gpu.worker.ts:7", true, "failed"],
      ["A message of the GPU worker could not be read", "GPU worker", true, "failed"],
    ]);
  });

  it("rejects pending requests of the page, each with a BasinError", async () => {
    const worker = new ScriptedWorker();
    const client = new LabClient(worker, (flush) => flush());
    const pending = [client.request("plan", { spec }), client.request("read_adapter", { name: "a/b" })];
    worker.fail("The GPU worker failed: out of memory");
    for (const { status, reason } of (await Promise.allSettled(pending)) as PromiseRejectedResult[]) {
      expect(status).toBe("rejected");
      expect(reason).toBeInstanceOf(BasinError);
      expect(reason).toMatchObject({ what: "The GPU worker failed: out of memory", fix: "Reload the page." });
    }
    worker.fail("The GPU worker could not be started", "gone");
    await expect(client.request("plan", { spec })).rejects.toThrow("could not be started");
  });

  it("is shown where the plan would be", async () => {
    const { lab, worker } = openLab();
    const planned = lab.preview.planFor(spec, "key");
    worker.fail("The GPU worker failed: out of memory");
    await planned;
    expect(lab.preview.plan.getState()).toMatchObject({
      kind: "impossible",
      failure: { what: "The GPU worker failed: out of memory", fix: "Reload the page." },
    });
  });
});

describe("the judge worker", () => {
  const source = { kind: "url", base: "https://example.org/" } as const;
  const setUp = () => {
    const workers: FakeWorker[] = [];
    const judges = new JudgeClient(() => {
      const worker = new FakeWorker();
      workers.push(worker);
      return worker as unknown as Worker;
    });
    const answer = (output: unknown): void => {
      const worker = workers.at(-1);
      const id = worker?.messages.at(-1)?.id;
      worker?.dispatchEvent(Object.assign(new Event("message"), { data: { type: "response", id, output } }));
    };
    return { judges, workers, answer };
  };

  it("opens a classifier and asks it", async () => {
    const { judges, workers, answer } = setUp();
    const opening = judges.open(source);
    answer({ id: 3, labels: ["safe", "toxic"], multiLabel: true, runsOn: "wasm" });
    const classifier = await opening;
    expect(classifier).toMatchObject({ labels: ["safe", "toxic"], multiLabel: true, runsOn: "wasm" });
    const shares = classifier.classify([["hello"]]);
    answer([[0.9, 0.1]]);
    expect(await shares).toEqual([[0.9, 0.1]]);
    expect(workers[0]?.messages.at(-1)).toMatchObject({ name: "classify", input: { classifier: 3 } });
  });

  it("that fails rejects what waits for it; the next classifier gets another worker", async () => {
    const { judges, workers } = setUp();
    const opening = judges.open(source);
    workers[0]?.dispatchEvent(uncaught("no memory"));
    await expect(opening).rejects.toMatchObject({ what: "The judge worker failed: no memory" });
    expect(workers[0]?.terminated).toBe(true);
    void judges.open(source).catch(() => undefined);
    expect(workers).toHaveLength(2);
  });

  it("is ended by an abort while a classifier is fetched", async () => {
    const { judges, workers } = setUp();
    const stop = new AbortController();
    const opening = judges.open(source, stop.signal);
    stop.abort(new Error("stopped"));
    await expect(opening).rejects.toThrow("stopped");
    expect(workers[0]?.terminated).toBe(true);
  });
});

describe("the weights worker", () => {
  it("that fails rejects what is read from it; later reads are sent unless it never started", async () => {
    const posted: unknown[] = [];
    const client = new WeightsClient<string>({
      postMessage: (message) => posted.push(message),
      addEventListener: () => undefined,
    });
    const opening = client.open("model");
    client.fail(new Error("it failed"), false);
    await expect(opening).rejects.toThrow("it failed");
    const again = client.open("model");
    client.fail(new Error("it never started"), true);
    await expect(again).rejects.toThrow("it never started");
    await expect(client.open("model")).rejects.toThrow("it never started");
    expect(posted).toHaveLength(2);
  });
});
