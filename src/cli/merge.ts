/** @file `basin merge`: a checkpoint and an adapter in, one model in Hugging Face layout out. Needs no GPU. */

import { existsSync, readdirSync, realpathSync } from "node:fs";
import { resolve } from "node:path";
import { mebibytes } from "../engine/device.ts";
import { BasinError } from "../base/error.ts";
import { decodeAdapter } from "../weights/adapterFile.ts";
import { nodeFolderSink } from "../weights/folderSink.node.ts";
import { mergeModel } from "../weights/mergeModel.ts";
import type { CheckpointDType } from "../weights/tensorReader.ts";
import { nodeEnvironment, readAdapter } from "./environment.ts";
import { printJson, progress } from "./report.ts";

/** As PyTorch names them. */
export const MERGE_DTYPES: Readonly<Record<string, CheckpointDType>> = {
  float32: "F32",
  float16: "F16",
  bfloat16: "BF16",
};

export interface MergeOptions {
  readonly model: string;
  readonly adapter: string;
  readonly out: string;
  readonly dtype?: string;
  readonly maxShardSize: number;
  readonly force?: boolean;
}

/** Writes the folder and prints what it holds, as JSON. */
export async function merge({
  model,
  adapter: adapterFolder,
  out,
  dtype,
  maxShardSize,
  force = false,
}: MergeOptions): Promise<void> {
  const folder = resolve(out);
  if (existsSync(folder)) {
    if (existsSync(resolve(model)) && realpathSync(folder) === realpathSync(resolve(model))) {
      throw new BasinError({
        what: "The folder to write is the model's own",
        where: folder,
        fix: "Choose another folder with --out.",
      });
    }
    if (!force && readdirSync(folder).length > 0)
      throw new BasinError({
        what: "The folder is not empty",
        where: folder,
        fix: "Choose another folder with --out, or add --force to write into it.",
      });
  }
  const adapter = decodeAdapter(await readAdapter(adapterFolder), adapterFolder);
  const checkpoint = await nodeEnvironment().openModel(model);
  const MIB = 2 ** 20;
  const stored = dtype === undefined ? undefined : MERGE_DTYPES[dtype];
  const bytes = [...checkpoint.tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  const bar = progress("merging", Math.max(1, Math.ceil(bytes / MIB)));
  const report = await mergeModel({
    checkpoint,
    adapter,
    sink: nodeFolderSink(folder),
    ...(stored === undefined ? {} : { dtype: stored }),
    maxShardBytes: maxShardSize,
    // In units of the checkpoint's size, whatever is written.
    onProgress: (done, total) => bar.update(Math.floor(((done / total) * bytes) / MIB), mebibytes(done)),
  }).finally(() => bar.stop());
  printJson({ out: folder, ...report });
}
