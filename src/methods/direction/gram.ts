/** @file Small Gram matrices in f64: what norms and cosines of B·A need instead of B·A itself. */

type Values = Float32Array | Float64Array;

/** XᵀY (r x r) of two row-major [rows, r] matrices. */
export function gramOfColumns(x: Values, y: Values, rows: number, r: number): Float64Array {
  const gram = new Float64Array(r * r);
  for (let row = 0; row < rows; row += 1) {
    for (let i = 0; i < r; i += 1) {
      const left = x[row * r + i] ?? 0;
      for (let j = 0; j < r; j += 1) gram[i * r + j] = (gram[i * r + j] ?? 0) + left * (y[row * r + j] ?? 0);
    }
  }
  return gram;
}

/** A Aᵀ (r x r) of a row-major [r, columns] matrix. */
export function gramOfRows(a: Values, r: number, columns: number): Float64Array {
  const gram = new Float64Array(r * r);
  for (let i = 0; i < r; i += 1) {
    for (let j = 0; j <= i; j += 1) {
      let sum = 0;
      for (let c = 0; c < columns; c += 1) sum += (a[i * columns + c] ?? 0) * (a[j * columns + c] ?? 0);
      gram[i * r + j] = sum;
      gram[j * r + i] = sum;
    }
  }
  return gram;
}

/** Σ x ∘ y; with Gram matrices of X and A it is <XA, YA>. */
export function hadamardSum(x: Values, y: Values): number {
  let sum = 0;
  for (let i = 0; i < x.length; i += 1) sum += (x[i] ?? 0) * (y[i] ?? 0);
  return sum;
}
