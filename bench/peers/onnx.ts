/**
 * @file onnxruntime-web on WebGPU: a MatMul or Gemm node with both operands and the result on the device. It cannot
 * train.
 */

import * as ort from "onnxruntime-web/webgpu";
import type { Contender, OpenContender, ProductRunnable } from "../contenders/contender.ts";
import { type Operands, type Product, operandShapes } from "../workload/products.ts";
import { productModel } from "./onnxFile.ts";

export const openOnnx =
  (version: string): OpenContender =>
  () => {
    ort.env.logLevel = "error";
    ort.env.wasm.numThreads = 1;
    const contender: Contender = {
      name: "onnxruntime-web",
      version,
      // It has no reverse pass; these products of one are its only use here.
      product: (product, operands) =>
        product.role === "output" || product.role === "down"
          ? openProduct(product, operands)
          : Promise.resolve(undefined),
      step: () => Promise.resolve(undefined),
      destroy: () => undefined,
    };
    return Promise.resolve(contender);
  };

async function openProduct(product: Product, operands: Operands): Promise<ProductRunnable> {
  const session = await ort.InferenceSession.create(productModel(product), {
    executionProviders: ["webgpu"],
    preferredOutputLocation: "gpu-buffer",
  });
  const device = (await ort.env.webgpu.device) as GPUDevice;
  const shapes = operandShapes(product);
  const buffers: GPUBuffer[] = [];
  const upload = (values: Float32Array<ArrayBuffer>, shape: readonly number[]): ort.Tensor => {
    const buffer = device.createBuffer({
      size: Math.ceil(values.byteLength / 16) * 16,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    });
    device.queue.writeBuffer(buffer, 0, values);
    buffers.push(buffer);
    return ort.Tensor.fromGpuBuffer(buffer, { dataType: "float32", dims: [...shape] });
  };
  const feeds = { a: upload(operands.a, shapes.a), b: upload(operands.b, shapes.b) };
  const once = async (): Promise<ort.Tensor> => {
    const { y } = await session.run(feeds);
    if (!y) throw new Error("onnxruntime gave no result");
    return y;
  };
  return {
    run: async () => (await once()).dispose(),
    settle: () => device.queue.onSubmittedWorkDone(),
    result: async () => (await (await once()).getData(true)) as Float32Array,
    destroy: () => {
      void session.release();
      for (const buffer of buffers) buffer.destroy();
    },
  };
}
