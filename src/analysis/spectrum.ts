/**
 * @file The spectrum of a low-rank update, in f64. A file of its own, so that the page can describe the analysis
 * without loading the decompositions.
 */
import { Matrix, QrDecomposition, SingularValueDecomposition } from "ml-matrix";
import type { AdapterModule } from "../weights/adapterFile.ts";

export interface Spectrum {
  /** In descending order; as many as the smallest of r, inFeatures and outFeatures. */
  readonly singularValues: readonly number[];
  readonly norm: number;
  /** null where the update is zero. */
  readonly stableRank: number | null;
  readonly effectiveRank: number | null;
}

/** The spectrum of s·B·A in f64. */
export function spectrumOf({ A, B, r, inFeatures, outFeatures }: Omit<AdapterModule, "path">, scale: number): Spectrum {
  const left = triangle(matrixOf(B, outFeatures, r));
  const right = triangle(matrixOf(A, r, inFeatures).transpose());
  const product = left.mmul(right.transpose()).mul(scale);
  const all = new SingularValueDecomposition(product, {
    computeLeftSingularVectors: false,
    autoTranspose: true,
  }).diagonal;
  const singularValues = all.slice(0, Math.min(r, inFeatures, outFeatures)).sort((a, b) => b - a);
  const squares = singularValues.reduce((sum, value) => sum + value * value, 0);
  const sum = singularValues.reduce((total, value) => total + value, 0);
  const largest = singularValues[0] ?? 0;
  return {
    singularValues,
    norm: Math.sqrt(squares),
    stableRank: largest > 0 ? squares / (largest * largest) : null,
    effectiveRank: sum > 0 ? Math.exp(entropy(singularValues.map((value) => value / sum))) : null,
  };
}

/** R of the QR decomposition, or the matrix itself where it has no more rows than columns. */
function triangle(matrix: Matrix): Matrix {
  return matrix.rows > matrix.columns ? new QrDecomposition(matrix).upperTriangularMatrix : matrix;
}

function matrixOf(values: Float32Array, rows: number, columns: number): Matrix {
  return Matrix.from1DArray(rows, columns, [...values]);
}

/** In nats. */
function entropy(shares: readonly number[]): number {
  return -shares.reduce((sum, share) => sum + (share > 0 ? share * Math.log(share) : 0), 0);
}
