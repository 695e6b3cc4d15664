/** @file The bundled pair and a small trainer on it, for tests that need a real model. */

import { fileURLToPath } from "node:url";
import type { Gpu } from "../../src/engine/device.ts";
import { ParameterStore } from "../../src/engine/parameters.ts";
import { parseConfig } from "../../src/model/families.ts";
import { linearModules } from "../../src/model/layout.ts";
import { type LoadedModel, loadModel } from "../../src/model/loadModel.ts";
import { type AdaptedModule, adaptedModule, adapterLayout } from "../../src/model/lora.ts";
import { trainRows } from "../../src/text/apothecary/index.ts";
import type { TokenizedExample } from "../../src/text/example.ts";
import { tokenizeRow } from "../../src/text/tokenize.ts";
import { type TextTokenizer, loadTokenizer } from "../../src/text/tokenizer.ts";
import { readOptionalText } from "../../src/weights/byteSource.ts";
import { type Checkpoint, openCheckpoint } from "../../src/weights/checkpoint.ts";
import { nodeFolderSource } from "../../src/weights/nodeFolder.node.ts";
import { matchTargetModules } from "../../src/weights/targetModules.ts";

export type DemoName = "apothecary-aligned" | "apothecary-base";

export function demoFolder(name: DemoName): string {
  return fileURLToPath(new URL(`../../public/models/${name}`, import.meta.url));
}

export function openDemo(name: DemoName): Promise<Checkpoint> {
  return openCheckpoint(nodeFolderSource(demoFolder(name)));
}

export async function loadDemo(gpu: Gpu, name: DemoName = "apothecary-aligned"): Promise<LoadedModel> {
  const checkpoint = await openDemo(name);
  return loadModel(gpu, parseConfig(checkpoint.config), checkpoint, { name });
}

export function demoTokenizer(): Promise<TextTokenizer> {
  const source = nodeFolderSource(demoFolder("apothecary-aligned"));
  return loadTokenizer((path) => readOptionalText(source, path));
}

export async function demoExamples(n: number, seed = 1): Promise<TokenizedExample[]> {
  const tokenizer = await demoTokenizer();
  return trainRows({ task: "topic", n, harmful_ratio: 0.1, seed }).map((row) => tokenizeRow(row, tokenizer));
}

export function demoModules(
  model: LoadedModel,
  targets: readonly string[] = ["q_proj", "v_proj"],
  r = 8,
  lora_alpha = 32,
): AdaptedModule[] {
  const all = linearModules(model.config);
  const paths = new Set(
    matchTargetModules(
      targets,
      all.map(({ path }) => path),
    ),
  );
  return all
    .filter(({ path }) => paths.has(path))
    .map((module) => adaptedModule(module, { r, lora_alpha, use_rslora: false }));
}

export function demoParameters(gpu: Gpu, modules: readonly AdaptedModule[]): Promise<ParameterStore> {
  return ParameterStore.create(gpu, adapterLayout(modules));
}
