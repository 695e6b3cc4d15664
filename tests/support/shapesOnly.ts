/** @file Models of which only names, shapes and types are known: enough to plan a run, without a byte of weights. */
import type { PlannedModel } from "../../src/experiment/plan/runPlan.ts";
import { parseConfig } from "../../src/model/families.ts";
import { weightSpecs } from "../../src/model/layout.ts";
import type { CheckpointDType, TensorInfo, TensorReader } from "../../src/weights/tensorReader.ts";

/** A checkpoint of this configuration that cannot be read. */
export function shapesOnly(name: string, config: unknown, dtype: CheckpointDType = "BF16"): PlannedModel {
  const parsed = parseConfig(config, `${name}: config.json`);
  const bytes = dtype === "F32" ? 4 : 2;
  const tensors = new Map<string, TensorInfo>(
    weightSpecs(parsed).map((spec) => [
      spec.name,
      {
        name: spec.name,
        dtype,
        shape: spec.shape,
        byteLength: bytes * spec.shape.reduce((product, size) => product * size, 1),
      },
    ]),
  );
  const read = (): never => {
    throw new Error(`${name} has shapes only`);
  };
  const checkpoint: TensorReader = { tensors, read };
  return { name, config: parsed, checkpoint };
}
