/**
 * @file The test of an operator: operands and a graph against the same function in f64. The harness does the rest.
 *
 *     outputs     on the device             ~ reference(operands)
 *     gradients   on the device             ~ gradient(operands, ∂outputs), where it is given
 *     both        in some of their entries  ~ central differences of Σ ⟨∂output, reference⟩
 *     twice       the same bits; ∂outputs are as they were, no other tensor gets a gradient
 *
 * After ggml's test-backend-ops: a case is its parameters and a graph.
 */

import { expect } from "vitest";
import { backward } from "../../src/engine/backward.ts";
import type { Gpu } from "../../src/engine/device.ts";
import { Graph } from "../../src/engine/graph.ts";
import { add } from "../../src/engine/operators/add.ts";
import type { Dispatch } from "../../src/engine/encoder.ts";
import { isQuantised } from "../../src/engine/quantised.ts";
import { type DType, type Shape, type Tensor, elementCount } from "../../src/engine/tensor.ts";
import { storeWeight } from "./halves.ts";
import { centralDifferences, inner, normal, pick, relativeError, spread } from "./numeric.ts";
import { quantisedWeight } from "./quantised.ts";
import { runGraph } from "./runGraph.ts";

export type Numbers = ArrayLike<number>;

/** A tensor that the graph reads. */
export interface Operand {
  readonly shape: Shape;
  /** f32, or u32 for indices; a `weight` is stored as its dtype says. */
  readonly values: Float32Array | Uint32Array;
  /** By default an input. */
  readonly kind?: "input" | "weight" | "parameter";
  /** Of a weight. */
  readonly dtype?: DType;
  /** Its gradient is wanted and checked. */
  readonly grad?: boolean;
}

/** Relative errors; one for all tensors, or by name. */
export interface Tolerance {
  readonly output: number | Readonly<Record<string, number>>;
  /** Device against `gradient`. */
  readonly gradient: number | Readonly<Record<string, number>>;
  /** Device against central differences. */
  readonly differences: number;
  /** `gradient` against central differences. */
  readonly reference: number;
}

type Outputs<T> = T | Readonly<Record<string, T>>;

export interface OperatorCase<Name extends string> {
  readonly operands: Readonly<Record<Name, Operand>>;
  /** Appends the operator. */
  readonly graph: (graph: Graph, tensors: Readonly<Record<Name, Tensor>>) => Outputs<Tensor>;
  /** The outputs in f64; weights are given as their stored numbers. */
  readonly reference: (values: Readonly<Record<Name, Numbers>>) => Outputs<Numbers>;
  /** Gradients in f64 for these ∂outputs, in closed form. */
  readonly gradient?: (
    values: Readonly<Record<Name, Numbers>>,
    seeds: Readonly<Record<string, Float32Array>>,
  ) => Readonly<Partial<Record<Name, Numbers>>>;
  /** ∂outputs; by default normal values. */
  readonly seeds?: Readonly<Record<string, Float32Array>>;
  /** Of an operator that starts the reverse pass itself: the loss of its outputs. */
  readonly loss?: (outputs: Readonly<Record<string, Numbers>>) => number;
  readonly tolerance?: Partial<Tolerance>;
  /** Entries of each gradient that are compared with central differences, beside `points`. */
  readonly samples?: number;
  /** Entries that must be among them. */
  readonly points?: readonly number[];
}

export interface OperatorResult<Name extends string> {
  readonly outputs: Readonly<Record<string, Float32Array>>;
  readonly gradients: Readonly<Partial<Record<Name, Float32Array>>>;
  readonly dispatches: readonly Dispatch[];
}

/** The output of a graph with one. */
export const ONLY = "output";

const TOLERANCE: Tolerance = { output: 1e-6, gradient: 1e-6, differences: 1e-5, reference: 1e-6 };

export async function checkOperator<Name extends string>(
  gpu: Gpu,
  of: OperatorCase<Name>,
): Promise<OperatorResult<Name>> {
  const names = Object.keys(of.operands) as Name[];
  const graph = new Graph();
  const tensors = byName(names, (name) => tensorOf(graph, name, of.operands[name]));
  const stored = byName(names, (name) => store(of.operands[name]));
  const outputs = named<Tensor>(of.graph(graph, tensors), isTensor);
  for (const output of Object.values(outputs)) graph.retain(output);
  const wanted = names.filter((name) => of.operands[name].grad);
  const seeds = wanted.length > 0 && !of.loss ? seedsOf(graph, outputs, of.seeds) : {};
  const gradientOf =
    wanted.length === 0
      ? new Map<Tensor, Tensor>()
      : backward(graph, {
          seeds: new Map(Object.entries(seeds).map(([name, { tensor }]) => [outputs[name] ?? tensor, tensor])),
          wrt: new Set(wanted.map((name) => tensors[name])),
          add,
        });
  const inputs = wanted.filter((name) => tensors[name].kind !== "parameter");
  expect([...gradientOf.keys()]).toEqual(inputs.map((name) => tensors[name]));

  const data = new Map<Tensor, ArrayBufferView>(names.map((name) => [tensors[name], stored[name].bytes]));
  for (const { tensor, values } of Object.values(seeds)) data.set(tensor, values);
  const scales = new Map(names.flatMap((name) => (stored[name].scales ? [[tensors[name], stored[name].scales]] : [])));
  const run = await runGraph(gpu, graph, data, scales);
  const read = async (): Promise<Pick<OperatorResult<Name>, "outputs" | "gradients">> => {
    const accumulated = await run.gradients();
    const gradients: Partial<Record<Name, Float32Array>> = {};
    for (const name of wanted) {
      const tensor = gradientOf.get(tensors[name]);
      gradients[name] = tensor ? await run.read(tensor) : (accumulated.get(name) ?? new Float32Array());
    }
    const read: Record<string, Float32Array> = {};
    for (const [name, tensor] of Object.entries(outputs))
      read[name] = tensor.dtype === "u32" ? Float32Array.from(await run.readWords(tensor)) : await run.read(tensor);
    return { outputs: read, gradients };
  };
  const result = await read();
  // Some operators write to their inputs (caches, statistics).
  for (const [tensor, bytes] of data) run.write(tensor, bytes);
  await run.step();
  expect(await read(), "a second run").toEqual(result);
  for (const [name, { tensor, values }] of Object.entries(seeds))
    expect(await run.read(tensor), `∂${name} afterwards`).toEqual(values);

  const tolerance = { ...TOLERANCE, ...of.tolerance };
  const values = byName(names, (name) => stored[name].values);
  const seedValues = Object.fromEntries(Object.entries(seeds).map(([name, seed]) => [name, seed.values]));
  compareOutputs(of, values, result.outputs, tolerance);
  compareGradients(of, values, seedValues, result.gradients, tolerance);
  const { dispatches } = run.program;
  run.destroy();
  return { ...result, dispatches };
}

function compareOutputs<Name extends string>(
  of: OperatorCase<Name>,
  values: Readonly<Record<Name, Numbers>>,
  outputs: Readonly<Record<string, Float32Array>>,
  tolerance: Tolerance,
): void {
  const expected = named<Numbers>(of.reference(values), isNumbers);
  expect(Object.keys(outputs).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, output] of Object.entries(outputs))
    expect(relativeError(output, expected[name] ?? []), name).toBeLessThanOrEqual(allowed(tolerance.output, name));
}

function compareGradients<Name extends string>(
  of: OperatorCase<Name>,
  values: Readonly<Record<Name, Numbers>>,
  seeds: Readonly<Record<string, Float32Array>>,
  gradients: Readonly<Partial<Record<Name, Float32Array>>>,
  tolerance: Tolerance,
): void {
  const loss =
    of.loss ??
    ((outputs: Readonly<Record<string, Numbers>>): number =>
      Object.entries(outputs).reduce((sum, [name, output]) => sum + inner(seeds[name] ?? [], output), 0));
  const closed = of.gradient?.(values, seeds);
  for (const name of Object.keys(gradients) as Name[]) {
    const got = gradients[name] ?? new Float32Array();
    const at = [...spread(got.length, of.samples), ...(of.points ?? [])];
    const moved = (x: Float64Array): number => loss(named<Numbers>(of.reference({ ...values, [name]: x }), isNumbers));
    const differences = centralDifferences(moved, values[name], at);
    const exact = closed?.[name];
    if (exact) {
      expect(relativeError(got, exact), `∂${name}`).toBeLessThan(allowed(tolerance.gradient, name));
      expect(relativeError(pick(exact, at), differences), `reference of ∂${name}`).toBeLessThan(tolerance.reference);
    }
    expect(relativeError(pick(got, at), differences), `differences of ${name}`).toBeLessThan(tolerance.differences);
  }
}

function allowed(tolerance: Tolerance["output"], name: string): number {
  return typeof tolerance === "number" ? tolerance : (tolerance[name] ?? 0);
}

function tensorOf(graph: Graph, name: string, { shape, values, kind = "input", dtype = "f32" }: Operand): Tensor {
  if (kind === "parameter") return graph.parameter(name, shape);
  if (kind === "weight") return graph.weight(name, shape, dtype);
  return graph.input(name, shape, values instanceof Uint32Array ? "u32" : "f32");
}

interface Stored {
  readonly bytes: ArrayBufferView;
  /** What the bytes mean. */
  readonly values: Numbers;
  readonly scales?: Uint8Array<ArrayBuffer> | undefined;
}

function store({ shape, values, kind, dtype = "f32" }: Operand): Stored {
  if (kind !== "weight" || dtype === "f32") return { bytes: values, values };
  return isQuantised(dtype) ? quantisedWeight(values, shape, dtype) : storeWeight(values, dtype);
}

/** A gradient for each output: an input of its own. */
function seedsOf(
  graph: Graph,
  outputs: Readonly<Record<string, Tensor>>,
  given: Readonly<Record<string, Float32Array>> = {},
) {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, output], index) => [
      name,
      {
        tensor: graph.input(`∂${name}`, output.shape),
        values: given[name] ?? normal(elementCount(output.shape), 1000 + index),
      },
    ]),
  );
}

function byName<Name extends string, T>(names: readonly Name[], of: (name: Name) => T): Record<Name, T> {
  return Object.fromEntries(names.map((name) => [name, of(name)])) as Record<Name, T>;
}

function named<T>(outputs: Outputs<T>, isOne: (outputs: Outputs<T>) => outputs is T): Readonly<Record<string, T>> {
  return isOne(outputs) ? { [ONLY]: outputs } : outputs;
}

function isTensor(outputs: Outputs<Tensor>): outputs is Tensor {
  return "kind" in outputs && typeof outputs.kind === "string";
}

function isNumbers(outputs: Outputs<Numbers>): outputs is Numbers {
  return Array.isArray(outputs) || ArrayBuffer.isView(outputs);
}
