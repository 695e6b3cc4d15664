/**
 * @file Text classifiers of the command line: onnxruntime-web's WebAssembly, in one thread, loaded when a judge needs
 * it.
 */
import { openTextClassifier, type OnnxRuntime, type TextClassifier } from "../eval/judges/textClassifier.ts";
import type { ByteSource } from "../weights/byteSource.ts";

/** @throws BasinError when the classifier's files are missing or malformed */
export function openClassifier(source: ByteSource, signal?: AbortSignal): Promise<TextClassifier> {
  return openTextClassifier(source, () => Promise.resolve([{ provider: "wasm", load }]), signal);
}

async function load(): Promise<OnnxRuntime> {
  const ort = await import("onnxruntime-web");
  // One thread: always the same order of additions, and no workers that keep the process alive.
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  return ort;
}
