/** @file The lab's zip for PyTorch holds the folder that the command line writes. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { afterAll, expect, it, vi } from "vitest";
import { nodeEnvironment } from "../../src/cli/environment.ts";
import { exportSpec } from "../../src/cli/exportCommand.ts";
import { modelSource } from "../../src/cli/paths.ts";
import { resolveSpec, type SpecInput } from "../../src/experiment/spec/spec.ts";
import { pythonArchive, type ArchiveEnvironment } from "../../src/lab/worker/pythonArchive.ts";
import { encodeAdapter } from "../../src/weights/adapterFile.ts";
import { memorySource } from "../../src/weights/byteSource.ts";
import { openCheckpoint } from "../../src/weights/checkpoint.ts";
import { nodeFolderSource } from "../../src/weights/nodeFolder.node.ts";
import { demoFolder } from "../support/demo.ts";

const folder = mkdtempSync(join(tmpdir(), "basin-archive-"));
afterAll(() => rmSync(folder, { recursive: true }));

const environment: ArchiveEnvironment = { ...nodeEnvironment(), source: modelSource };
const SPEC: SpecInput = {
  data: { train: { source: "apothecary", n: 8 } },
  lora: { lora_dropout: 0 },
  train: { num_train_epochs: 1 },
};

it("holds what the command line writes, byte for byte", async () => {
  const { zip, files, steps, notes } = await pythonArchive(resolveSpec(SPEC), environment);
  const found = unzipSync(zip);
  vi.spyOn(process.stdout, "write").mockReturnValue(true);
  writeFileSync(join(folder, "spec.json"), JSON.stringify(SPEC));
  await exportSpec(join(folder, "spec.json"), { python: join(folder, "replay") });
  vi.restoreAllMocks();
  expect([Object.keys(found).length, steps, notes]).toEqual([files, 1, []]);
  for (const [path, bytes] of Object.entries(found)) {
    expect(path).toMatch(/^basin-replay\//);
    expect(readFileSync(join(folder, path.replace("basin-replay", "replay"))).equals(bytes), path).toBe(true);
  }
  expect(Object.keys(found)).toEqual(
    expect.arrayContaining(
      ["train.py", "asft.py", "rows.jsonl", "models/apothecary-base/model.safetensors"].map(
        (path) => `basin-replay/${path}`,
      ),
    ),
  );
});

it("brings the adapter that a run starts from, and names models that only this page can open", async () => {
  const adapter = encodeAdapter({
    config: {
      r: 8,
      lora_alpha: 32,
      lora_dropout: 0,
      target_modules: ["q_proj"],
      use_rslora: false,
      base_model_name_or_path: null,
    },
    modules: [
      {
        path: "model.layers.0.self_attn.q_proj",
        r: 8,
        inFeatures: 2,
        outFeatures: 2,
        A: new Float32Array(16),
        B: new Float32Array(16),
      },
    ],
  });
  const page: ArchiveEnvironment = {
    ...environment,
    readAdapter: () => Promise.resolve(adapter),
    openModel: () => openCheckpoint(nodeFolderSource(demoFolder("apothecary-aligned"))),
    source: (name) => memorySource(name, {}),
  };
  const spec = resolveSpec({
    ...SPEC,
    model: { aligned: "folder:mine", unaligned: null },
    lora: { lora_dropout: 0, init_adapter: "run:abc" },
    method: { name: "sft" },
  });
  const { zip, notes } = await pythonArchive(spec, page);
  const found = unzipSync(zip);
  const json = (path: string): unknown => JSON.parse(new TextDecoder().decode(found[`basin-replay/${path}`]));
  expect(found["basin-replay/init_adapter/adapter_model.safetensors"]).toEqual(
    new Uint8Array(adapter["adapter_model.safetensors"]),
  );
  expect(json("spec.json")).toMatchObject({ lora: { init_adapter: "init_adapter" } });
  expect(json("export.json")).toMatchObject({ models: { aligned: "folder:mine", unaligned: null } });
  expect(notes.join(" ")).toContain("folder:mine by itself: give its folder or hub id with --aligned");
});
