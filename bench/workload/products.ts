/**
 * @file The matrix products of a LoRA training step, as plain products that any library can compute.
 *
 *     nt   y[m,n] = Σ_k a[m,k] b[n,k]     a layer's output; LoRA's x Aᵀ
 *     nn   y[m,n] = Σ_k a[m,k] b[k,n]     the gradient of a layer's input; LoRA's ∂y B
 *     tn   y[m,n] = Σ_k a[k,m] b[k,n]     LoRA's ∂A and ∂B: the tokens are summed over
 *
 * The gradient of a frozen weight is never needed, so the long `tn` products have a rank as one of their sides. LoRA's
 * two remaining products (h Bᵀ, ∂h A) are part of the layer's kernel in Basin and have no time of their own; the whole
 * step has them.
 */

export type Form = "nt" | "nn" | "tn";

/** What a product is in the step; Basin's contender measures the kernel that does it there. */
export type Role = "output" | "input gradient" | "down" | "hidden gradient" | "A gradient" | "B gradient";

export interface Product {
  readonly model: string;
  readonly role: Role;
  readonly form: Form;
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

export interface ModelShape {
  readonly name: string;
  readonly hidden: number;
  readonly kv: number;
  readonly intermediate: number;
}

export const MODELS: Readonly<Record<string, ModelShape>> = {
  "135m": { name: "SmolLM2-135M", hidden: 576, kv: 192, intermediate: 1536 },
  "360m": { name: "SmolLM2-360M", hidden: 960, kv: 320, intermediate: 2560 },
  "0.5b": { name: "Qwen2.5-0.5B", hidden: 896, kv: 128, intermediate: 4864 },
};

/** The different products of one layer of a model: each shape once. */
export function products(model: ModelShape, tokens: number, rank: number): Product[] {
  const { name, hidden, kv, intermediate } = model;
  const layers: readonly (readonly [out: number, inner: number])[] = [
    [hidden, hidden],
    [kv, hidden],
    [intermediate, hidden],
    [hidden, intermediate],
  ];
  const dense = layers.flatMap(([out, inner]): Product[] => [
    { model: name, role: "output", form: "nt", m: tokens, n: out, k: inner },
    { model: name, role: "input gradient", form: "nn", m: tokens, n: inner, k: out },
  ]);
  // Adapters sit on q_proj (hidden × hidden) and v_proj (kv × hidden).
  const skinny: Product[] = [
    { model: name, role: "down", form: "nt", m: tokens, n: rank, k: hidden },
    { model: name, role: "hidden gradient", form: "nn", m: tokens, n: rank, k: hidden },
    { model: name, role: "hidden gradient", form: "nn", m: tokens, n: rank, k: kv },
    { model: name, role: "A gradient", form: "tn", m: rank, n: hidden, k: tokens },
    { model: name, role: "B gradient", form: "tn", m: hidden, n: rank, k: tokens },
    { model: name, role: "B gradient", form: "tn", m: kv, n: rank, k: tokens },
  ];
  return [...dense, ...skinny];
}

export function productName({ form, m, n, k }: Product): string {
  return `${form.toUpperCase()} ${m}×${n}×${k}`;
}

export function flops({ m, n, k }: Product): number {
  return 2 * m * n * k;
}

/** Both operands as they lie in memory. */
export interface Operands {
  readonly a: Float32Array<ArrayBuffer>;
  readonly b: Float32Array<ArrayBuffer>;
}

/** Shapes of the operands as they lie in memory. */
export function operandShapes({ form, m, n, k }: Product): {
  readonly a: readonly [number, number];
  readonly b: readonly [number, number];
} {
  return { a: form === "tn" ? [k, m] : [m, k], b: form === "nt" ? [n, k] : [k, n] };
}

/** A square product that is large enough to show what a device can do. */
export function largeProduct(size: number): Product {
  return { model: "large", role: "output", form: "nt", m: size, n: size, k: size };
}

/** Rows and columns of the entries that are checked. */
export function probes({ m, n }: Product): readonly { readonly row: number; readonly column: number }[] {
  return Array.from({ length: 64 }, (_, probe) => ({ row: (probe * 37) % m, column: (probe * 101) % n }));
}

/** The largest error of a few entries against 64-bit sums, relative to the largest entry among them. */
export function productError(product: Product, { a, b }: Operands, y: Float32Array): number {
  const { form, m, n, k } = product;
  if (y.length !== m * n) return Number.POSITIVE_INFINITY;
  let [worst, largest] = [0, 0];
  for (const { row, column } of probes(product)) {
    let sum = 0;
    for (let i = 0; i < k; i += 1)
      sum +=
        (a[form === "tn" ? i * m + row : row * k + i] ?? 0) * (b[form === "nt" ? column * k + i : i * n + column] ?? 0);
    const difference = Math.abs(sum - (y[row * n + column] ?? Number.NaN));
    // A NaN is an error, too, and is larger than nothing.
    worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(worst, difference);
    largest = Math.max(largest, Math.abs(sum));
  }
  return worst / largest;
}
