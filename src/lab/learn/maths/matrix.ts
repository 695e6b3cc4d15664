/**
 * @file Small matrices as rows of numbers, for the widgets: 2 × 2 or 3 × 3, worked again at every touch. Decompositions
 * by ml-matrix.
 */
import { Matrix as Dense, SingularValueDecomposition } from "ml-matrix";

/** Rows; all of one length. */
export type Matrix = readonly (readonly number[])[];

export function shape(m: Matrix): { readonly rows: number; readonly columns: number } {
  return { rows: m.length, columns: m[0]?.length ?? 0 };
}

export function build(rows: number, columns: number, value: (row: number, column: number) => number): Matrix {
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_unused, column) => value(row, column)),
  );
}

export function at(m: Matrix, row: number, column: number): number {
  return m[row]?.[column] ?? 0;
}

export function identity(size: number): Matrix {
  return build(size, size, (row, column) => (row === column ? 1 : 0));
}

export function multiply(a: Matrix, b: Matrix): Matrix {
  const inner = shape(a).columns;
  if (inner !== b.length) throw new Error(`cannot multiply: ${inner} columns by ${b.length} rows`);
  return build(a.length, shape(b).columns, (row, column) => {
    let sum = 0;
    for (let k = 0; k < inner; k += 1) sum += at(a, row, k) * at(b, k, column);
    return sum;
  });
}

export function transpose(m: Matrix): Matrix {
  return build(shape(m).columns, m.length, (row, column) => at(m, column, row));
}

/** a + factor · b */
export function add(a: Matrix, b: Matrix, factor = 1): Matrix {
  return build(a.length, shape(a).columns, (row, column) => at(a, row, column) + factor * at(b, row, column));
}

export function scale(m: Matrix, factor: number): Matrix {
  return m.map((row) => row.map((value) => factor * value));
}

/** ⟨a, b⟩ of two matrices as vectors. */
export function inner(a: Matrix, b: Matrix): number {
  return a.reduce((sum, row, i) => sum + row.reduce((part, value, j) => part + value * at(b, i, j), 0), 0);
}

/** ‖m‖_F */
export function norm(m: Matrix): number {
  return Math.sqrt(inner(m, m));
}

export interface Singular {
  /** Descending, as many as the shorter side. */
  readonly values: readonly number[];
  /** Columns belong to the values. */
  readonly left: Matrix;
  readonly right: Matrix;
  /** Values above 1e-9 of the first. */
  readonly rank: number;
}

export function singular(m: Matrix): Singular {
  const svd = new SingularValueDecomposition(new Dense(m.map((row) => [...row])), { autoTranspose: true });
  const values = svd.diagonal.slice(0, Math.min(m.length, shape(m).columns));
  const largest = values[0] ?? 0;
  return {
    values,
    left: svd.leftSingularVectors.to2DArray(),
    right: svd.rightSingularVectors.to2DArray(),
    rank: values.filter((value) => value > Math.max(1e-12, 1e-9 * largest)).length,
  };
}

/** The first k columns. */
export function firstColumns(m: Matrix, k: number): Matrix {
  return m.map((row) => row.slice(0, k));
}
