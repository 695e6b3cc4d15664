/** @file Each product of a training step by every contender in turn; the results are checked against 64-bit sums. */

import type { Contender, ProductRunnable } from "../contenders/contender.ts";
import { type Protocol, type Timing, interleave } from "../measure/interleave.ts";
import { numbers } from "../workload/numbers.ts";
import { type Product, flops, operandShapes, productError, productName } from "../workload/products.ts";
import { type OnFailure, openAll } from "./trial.ts";

export interface ProductTiming extends Timing {
  readonly contender: string;
  readonly precision: "float32" | "bf16";
  readonly gflops: number;
  /** Largest error of 64 entries, relative to the largest of them. */
  readonly error: number;
}

export interface ProductResult extends Product {
  readonly timings: readonly ProductTiming[];
}

export async function measureProduct(
  contenders: readonly Contender[],
  product: Product,
  protocol: Protocol,
  onFailure: OnFailure,
): Promise<ProductResult> {
  const shapes = operandShapes(product);
  const operands = { a: numbers(shapes.a[0] * shapes.a[1], 1, 1), b: numbers(shapes.b[0] * shapes.b[1], 2, 1) };
  const open = await openAll<ProductRunnable>(
    contenders,
    (contender) => contender.product(product, operands),
    onFailure,
    protocol.patienceMs,
  );
  try {
    const timings = await interleave(
      open.map(({ runnable }) => runnable),
      protocol,
    );
    const results: ProductTiming[] = [];
    for (const [index, { contender, runnable, cold }] of open.entries()) {
      const timing = timings[index];
      if (!timing) continue;
      const error = productError(product, operands, await runnable.result());
      results.push({
        contender: contender.name,
        precision: contender.precision ?? "float32",
        ...timing,
        cold,
        gflops: flops(product) / timing.median / 1e6,
        error,
      });
    }
    return { ...product, timings: results };
  } catch (cause) {
    throw new Error(`${productName(product)}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  } finally {
    for (const { runnable } of open) runnable.destroy();
  }
}
