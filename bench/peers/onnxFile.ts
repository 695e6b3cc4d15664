/**
 * @file An ONNX model of one product, written byte by byte: protocol buffers are a list of (field number, wire type,
 * value).
 *
 *     ModelProto { 1 ir_version, 7 graph, 8 opset_import }   GraphProto { 1 node, 2 name, 11 input, 12 output }
 */

import { type Product, operandShapes } from "../workload/products.ts";

type Bytes = readonly number[];

function varint(value: number): Bytes {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}

const integer = (field: number, value: number): Bytes => [...varint(field << 3), ...varint(value)];
const nested = (field: number, bytes: Bytes): Bytes => [...varint((field << 3) | 2), ...varint(bytes.length), ...bytes];
const text = (field: number, value: string): Bytes => nested(field, [...new TextEncoder().encode(value)]);

const FLOAT = 1;
const INT_ATTRIBUTE = 2;

function tensorInfo(name: string, shape: readonly number[]): Bytes {
  const dimensions = shape.flatMap((size) => nested(1, integer(1, size)));
  return [...text(1, name), ...nested(2, nested(1, [...integer(1, FLOAT), ...nested(2, dimensions)]))];
}

function flag(name: string): Bytes {
  return nested(5, [...text(1, name), ...integer(3, 1), ...integer(20, INT_ATTRIBUTE)]);
}

/** MatMul, or Gemm where an operand is transposed; inputs a and b, output y. */
export function productModel(product: Product): Uint8Array {
  const { form, m, n } = product;
  const shapes = operandShapes(product);
  const node = [
    ...text(1, "a"),
    ...text(1, "b"),
    ...text(2, "y"),
    ...text(3, "product"),
    ...text(4, form === "nn" ? "MatMul" : "Gemm"),
    ...(form === "tn" ? flag("transA") : []),
    ...(form === "nt" ? flag("transB") : []),
  ];
  const graph = [
    ...nested(1, node),
    ...text(2, "product"),
    ...nested(11, tensorInfo("a", shapes.a)),
    ...nested(11, tensorInfo("b", shapes.b)),
    ...nested(12, tensorInfo("y", [m, n])),
  ];
  return Uint8Array.from([...integer(1, 8), ...nested(7, graph), ...nested(8, [...text(1, ""), ...integer(2, 17)])]);
}
