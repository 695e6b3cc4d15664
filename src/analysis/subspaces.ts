/**
 * @file An update ΔW = s·B·A beside the alignment direction V, subspace by subspace. A file of its own, so that the
 * page can describe the analysis without loading the decompositions.
 *
 *     V ≈ Σ σ_i u_i v_iᵀ, i ≤ k                    (methods/direction/singularVectors.ts)
 *     left share  = ‖U_kᵀ ΔW‖² / ‖ΔW‖²             right share = ‖ΔW V_k‖² / ‖ΔW‖²
 *     principal angles between span U_k and the column space of ΔW: their cosines are the singular values of U_kᵀ Q
 *     penalty ratio = ‖(I - C) ΔW‖² / ‖ΔW‖², C = V Vᵀ/‖V‖_F: 1 where AsFT's published projector is plain L2
 *
 * ΔW is not formed: Q comes from B = Q_B R_B, Aᵀ = Q_A R_A and the SVD of R_B R_Aᵀ. All sums are f64.
 *
 * Source of principal angles: Björck & Golub, Math. Comp. 27 (1973).
 */
import { Matrix, QrDecomposition, SingularValueDecomposition } from "ml-matrix";
import { alignmentOf } from "../methods/direction/alignment.ts";
import { gramOfColumns, gramOfRows, hadamardSum } from "../methods/direction/gram.ts";
import { leftSingularVectors } from "../methods/direction/singularVectors.ts";
import { frobenius } from "../methods/direction/weightDifference.ts";
import type { AdapterModule } from "../weights/adapterFile.ts";

export interface Subspaces {
  /** Largest first, at most k; fewer where V has a smaller rank. */
  readonly singularValues: readonly number[];
  /** ‖V‖_F² / σ_1². */
  readonly stableRank: number;
  /** null where ΔW = 0. */
  readonly update: UpdateSubspaces | null;
}

export interface UpdateSubspaces {
  readonly leftShare: number;
  readonly rightShare: number;
  /** Smallest first, in degrees; as many as the smaller of k and the rank of ΔW. */
  readonly leftAngles: readonly number[];
  readonly rightAngles: readonly number[];
  readonly penaltyRatio: number;
}

/** Singular values of ΔW below this share of the largest count as zero. */
const RANK = 1e-7;

/**
 * @param v V, row-major [outFeatures, inFeatures]
 * @param k how many singular vectors of V span its subspaces
 * @returns null where V = 0
 */
export function subspacesOf(module: AdapterModule, v: Float32Array, k: number): Subspaces | null {
  const { A, B, r, outFeatures, inFeatures } = module;
  const norm = frobenius(v);
  if (norm === 0) return null;
  const { values, vectors: left } = leftSingularVectors(v, outFeatures, inFeatures, k);
  const right = left.map((u, index) => rightVector(v, u, values[index] ?? 1, inFeatures));
  const stableRank = norm ** 2 / (values[0] ?? norm) ** 2;
  const [gramA, gramB] = [gramOfRows(A, r, inFeatures), gramOfColumns(B, B, outFeatures, r)];
  const squared = hadamardSum(gramA, gramB);
  if (squared <= 0) return { singularValues: values, stableRank, update: null };
  // Rows: one vector of V; columns: one of the adapter's r directions.
  const leftImage = left.map((u) => directionsOf(r, (j) => inner(u, outFeatures, (row) => B[row * r + j] ?? 0)));
  const rightImage = right.map((x) => directionsOf(r, (j) => inner(x, inFeatures, (c) => A[j * inFeatures + c] ?? 0)));
  const energy = (image: readonly Float64Array[], gram: Float64Array): number =>
    image.reduce((sum, row) => sum + hadamardSum(outer(row), gram), 0) / squared;
  const { image } = alignmentOf(module, v);
  const across = image.map((value, at) => value / norm - (B[at] ?? 0));
  const bases = basesOf(module);
  return {
    singularValues: values,
    stableRank,
    update: {
      leftShare: energy(leftImage, gramA),
      rightShare: energy(rightImage, gramB),
      leftAngles: anglesBetween(left, bases.left),
      rightAngles: anglesBetween(right, bases.right),
      penaltyRatio: hadamardSum(gramOfColumns(across, across, outFeatures, r), gramA) / squared,
    },
  };
}

function directionsOf(r: number, value: (j: number) => number): Float64Array {
  return Float64Array.from({ length: r }, (_, j) => value(j));
}

function outer(x: Float64Array): Float64Array {
  return Float64Array.from(
    { length: x.length ** 2 },
    (_, at) => (x[Math.floor(at / x.length)] ?? 0) * (x[at % x.length] ?? 0),
  );
}

function inner(x: Float64Array, length: number, y: (index: number) => number): number {
  let sum = 0;
  for (let i = 0; i < length; i += 1) sum += (x[i] ?? 0) * y(i);
  return sum;
}

/** Vᵀu/σ, of unit length. */
function rightVector(v: Float32Array, u: Float64Array, value: number, columns: number): Float64Array {
  const result = new Float64Array(columns);
  for (const [row, weight] of u.entries()) {
    const line = v.subarray(row * columns, (row + 1) * columns);
    for (let c = 0; c < columns; c += 1) result[c] = (result[c] ?? 0) + (weight * (line[c] ?? 0)) / value;
  }
  return result;
}

/** Orthonormal bases of ΔW's column and row spaces; one column per singular value that is not zero. */
function basesOf({ A, B, r, inFeatures, outFeatures }: AdapterModule): {
  readonly left: Matrix;
  readonly right: Matrix;
} {
  const [qB, rB] = factors(Matrix.from1DArray(outFeatures, r, [...B]));
  const [qA, rA] = factors(Matrix.from1DArray(r, inFeatures, [...A]).transpose());
  const svd = new SingularValueDecomposition(rB.mmul(rA.transpose()), { autoTranspose: true });
  const order = svd.diagonal.map((value, index) => ({ value, index })).sort((a, b) => b.value - a.value);
  const largest = order[0]?.value ?? 0;
  const columns = order.filter(({ value }) => value > RANK * largest).map(({ index }) => index);
  return {
    left: qB.mmul(svd.leftSingularVectors.subMatrixColumn(columns)),
    right: qA.mmul(svd.rightSingularVectors.subMatrixColumn(columns)),
  };
}

/** A thin QR decomposition; of a matrix with more columns than rows, the identity and the matrix itself. */
function factors(matrix: Matrix): readonly [q: Matrix, r: Matrix] {
  if (matrix.rows <= matrix.columns) return [Matrix.identity(matrix.rows, matrix.rows), matrix];
  const qr = new QrDecomposition(matrix);
  return [qr.orthogonalMatrix, qr.upperTriangularMatrix];
}

function anglesBetween(vectors: readonly Float64Array[], basis: Matrix): readonly number[] {
  const product = new Matrix(vectors.map((x) => [...x])).mmul(basis);
  const { diagonal } = new SingularValueDecomposition(product, {
    computeLeftSingularVectors: false,
    computeRightSingularVectors: false,
    autoTranspose: true,
  });
  return diagonal
    .slice(0, Math.min(product.rows, product.columns))
    .map((cosine) => (180 / Math.PI) * Math.acos(Math.min(1, cosine)))
    .sort((a, b) => a - b);
}
