/** @file What a model's weights make of a probe, as a digest: equal only if every logit is equal to the last bit. */
import { promptBatch } from "../../batch/cachedBatch.ts";
import { sha256 } from "../../base/sha256.ts";
import type { Gpu } from "../../engine/device.ts";
import { decodeSizes, prefillTokens } from "../../generate/batchShapes.ts";
import { InferencePrograms } from "../../generate/inferencePrograms.ts";
import type { LoadedModel } from "../../model/loadModel.ts";

/** SHA-256 of the logits (f32, the whole vocabulary) after a prompt. */
export async function logitsDigest(gpu: Gpu, model: LoadedModel, prompt: readonly number[]): Promise<string> {
  const programs = new InferencePrograms(gpu, model, undefined);
  try {
    const { cacheRows, stride } = decodeSizes([prompt.length], 1);
    const tokens = prefillTokens([prompt.length]);
    programs.reserve({ positions: stride, cacheRows });
    const pass = await programs.decode(tokens, 1);
    const batches = [promptBatch([prompt], { tokens, stride, first: 0 })];
    const [logits] = await (await programs.submit(pass, { batches, wanted: ["logits"], signal: undefined }))();
    return await sha256(new Uint8Array(logits ?? new ArrayBuffer(0)));
  } finally {
    programs.destroy();
  }
}
