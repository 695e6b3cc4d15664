/** @file One tensor of a checkpoint as float32 values: 16-bit values are exact in float32. */
import { BasinError } from "../../base/error.ts";
import { elementCount } from "../../engine/tensor.ts";
import type { WeightSpec } from "../../model/layout.ts";
import { scanFinite, toFloat32 } from "../../weights/dtypes.ts";
import { noSuchTensor, type TensorReader } from "../../weights/tensorReader.ts";

/** @throws BasinError for a tensor that is missing, has another shape, or holds a value that is not finite */
export async function readValues(
  reader: TensorReader,
  { name, shape }: WeightSpec,
  signal?: AbortSignal,
): Promise<Float32Array<ArrayBuffer>> {
  const info = reader.tensors.get(name);
  if (info === undefined) throw noSuchTensor(reader, name, "landscape");
  const count = elementCount(shape);
  if (elementCount(info.shape) !== count) {
    throw new BasinError({
      what: `The tensor ${name} has shape [${info.shape.join(", ")}], and [${shape.join(", ")}] is needed`,
      where: "landscape",
      fix: "Compare models of one architecture: tensors are matched by name.",
    });
  }
  const values = new Float32Array(count);
  let at = 0;
  for await (const chunk of reader.read(name, signal)) {
    const bad = scanFinite(chunk, info.dtype);
    if (bad >= 0) {
      throw new BasinError({
        what: `Value ${at + bad} of ${name} is not a finite number`,
        where: "landscape",
        fix: "The file is damaged or the model diverged; fetch it again or choose another.",
      });
    }
    const some = toFloat32(chunk, info.dtype);
    values.set(some, at);
    at += some.length;
  }
  return values;
}
