/**
 * @file The judge worker: text classifiers through onnxruntime-web, apart from the GPU worker. It is started when a judge needs a
 * classifier and ended after the run; onnxruntime and its WebAssembly are fetched then, not before.
 *
 * Large classifiers run on WebGPU where the machine has a real GPU, else, or where that fails, in WebAssembly. Small ones always
 * do: there the way to the GPU and back costs more than the work. WebAssembly runs in one thread, since a page without
 * cross-origin isolation has no shared memory; sums are then always added in the same order.
 */
import { describeAdapter } from "../../engine/device.ts";
import {
  openTextClassifier,
  type ClassifierRuntime,
  type OnnxRuntime,
  type TextClassifier,
} from "../../eval/judges/textClassifier.ts";
import { openDescriptor } from "../../weights/descriptor.browser.ts";
import { watchNetworkForPage } from "../../weights/networkLog.browser.ts";
import { toFailure } from "../support/failure.ts";
import type { JudgeCommand, JudgeEvent } from "./judgeClient.ts";

/** Bytes from which a model is worth the GPU. */
const WORTH_GPU = 16 * 2 ** 20;

const opened = new Map<number, TextClassifier>();

const say = (event: JudgeEvent): void => self.postMessage(event);

watchNetworkForPage();
self.addEventListener("message", ({ data }: MessageEvent<JudgeCommand>) => {
  void handle(data).catch((error: unknown) =>
    say({ type: "failed", request: data.request, failure: toFailure(error, "classifier") }),
  );
});

async function handle(command: JudgeCommand): Promise<void> {
  switch (command.type) {
    case "open": {
      const classifier = await openTextClassifier(openDescriptor(command.source), runtimes);
      opened.set(command.request, classifier);
      const { labels, multiLabel, runsOn } = classifier;
      say({ type: "opened", request: command.request, labels, multiLabel, runsOn });
      break;
    }
    case "classify": {
      const classifier = opened.get(command.classifier);
      if (classifier === undefined) throw new Error("judge worker: a classifier that is not open");
      say({ type: "classified", request: command.request, shares: await classifier.classify(command.inputs) });
      break;
    }
  }
}

async function runtimes(bytes: number): Promise<readonly ClassifierRuntime[]> {
  const wasm: ClassifierRuntime = { provider: "wasm", load: loadWasm };
  return bytes >= WORTH_GPU && (await hasGpu()) ? [{ provider: "webgpu", load: loadWebGpu }, wasm] : [wasm];
}

/** Whether there is a GPU that is no processor in disguise. */
async function hasGpu(): Promise<boolean> {
  // Absent in browsers without WebGPU, whatever the types say.
  const api = (navigator as { readonly gpu?: GPU }).gpu;
  const adapter = await api?.requestAdapter().catch(() => null);
  return adapter != null && !describeAdapter(adapter.info).software && !adapter.info.isFallbackAdapter;
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
