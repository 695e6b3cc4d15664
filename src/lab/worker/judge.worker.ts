/**
 * @file The judge worker: text classifiers through onnxruntime-web, apart from the GPU worker. It is started when a
 * judge needs a classifier and ended after the run; onnxruntime and its WebAssembly are fetched then, not before.
 *
 * Large classifiers run on WebGPU where the machine has a real GPU, otherwise, or where that fails, in WebAssembly.
 * Small ones always run in WebAssembly: the way to the GPU and back would cost more than the work. WebAssembly runs in
 * one thread, since a page without cross-origin isolation has no shared memory; sums are then always added in the same
 * order.
 */
import { respond, type RequestHandlers, type RequestMessage } from "../../base/requests.ts";
import { describeAdapter } from "../../engine/device.ts";
import {
  openTextClassifier,
  type ClassifierRuntime,
  type OnnxRuntime,
  type TextClassifier,
} from "../../eval/judges/textClassifier.ts";
import { openDescriptor } from "../../weights/descriptor.browser.ts";
import { watchNetworkForPage } from "../../weights/networkLog.browser.ts";
import { announceLife } from "../../weights/workerLife.browser.ts";
import { toFailure } from "../support/failure.ts";
import type { JudgeRequests } from "./judgeRequests.ts";

/** Bytes from which a model is worth the GPU. */
const WORTH_GPU = 16 * 2 ** 20;

/** Classifiers by id. */
const opened = new Map<number, TextClassifier>();

const handlers: RequestHandlers<JudgeRequests> = {
  open: async ({ source }) => {
    const classifier = await openTextClassifier(openDescriptor(source), runtimes);
    const id = opened.size + 1;
    opened.set(id, classifier);
    const { labels, multiLabel, runsOn } = classifier;
    return { id, labels, multiLabel, runsOn };
  },
  classify: ({ classifier: id, inputs }) => {
    const classifier = opened.get(id);
    if (classifier === undefined) throw new Error("judge worker: a classifier that is not open");
    return classifier.classify(inputs);
  },
};

watchNetworkForPage();
announceLife();
self.addEventListener("message", async ({ data }: MessageEvent<RequestMessage<JudgeRequests>>) => {
  self.postMessage(await respond(handlers, data, (error) => toFailure(error, "classifier")));
});

async function runtimes(bytes: number): Promise<readonly ClassifierRuntime[]> {
  const wasm: ClassifierRuntime = { provider: "wasm", load: loadWasm };
  return bytes >= WORTH_GPU && (await hasGpu()) ? [{ provider: "webgpu", load: loadWebGpu }, wasm] : [wasm];
}

/** Whether there is a GPU, not a software adapter. */
async function hasGpu(): Promise<boolean> {
  // Absent in browsers without WebGPU, whatever the types say.
  const api = (navigator as { readonly gpu?: GPU }).gpu;
  const adapter = await api?.requestAdapter().catch(() => null);
  return adapter != null && !describeAdapter(adapter.info).software;
}

async function loadWasm(): Promise<OnnxRuntime> {
  return quiet(await import("onnxruntime-web/wasm"));
}

async function loadWebGpu(): Promise<OnnxRuntime> {
  return quiet(await import("onnxruntime-web/webgpu"));
}

function quiet<T extends typeof import("onnxruntime-web")>(ort: T): T {
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  return ort;
}
