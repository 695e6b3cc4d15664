/**
 * @file The lines and planes of a landscape's kind: which directions they need, and their axes once the directions'
 * sums are known.
 *
 *     random       a line per seed, or the plane of the first two
 *     between      the line to the tuned or the unaligned model, or the plane of both
 *     trajectory   the same line or plane, or a random one, with a run's adapters projected on it
 *     epl          a line toward the unaligned model, one toward the tuned one, a random one per seed
 */
import {
  asItIs,
  cosineOfAxes,
  innerOfAxes,
  layerScaled,
  modelScaled,
  orthogonalAsWhole,
  orthogonalInLayers,
  project,
  type Axis,
  type TensorSums,
} from "../../analysis/landscape/axes.ts";
import { steps } from "../../analysis/landscape/grid.ts";
import type { AxisFacts, Marker, Survey } from "./landscapeDocument.ts";
import type { LandscapeSettings } from "./landscapeSpec.ts";

/** A direction by what it is made of; adapters by their name. */
export type DirectionSource =
  | { readonly kind: "noise"; readonly seed: number }
  | { readonly kind: "unaligned" }
  | { readonly kind: "adapter"; readonly name: string };

/** A survey before its points are measured. */
export interface PlannedSurvey extends Omit<Survey, "points"> {
  readonly directions: readonly Axis[];
}

/** The directions that a landscape needs, each once. */
export function directionSources(settings: LandscapeSettings): DirectionSource[] {
  const { kind, dimensions, seeds, toward, plane } = settings;
  const noise = (some: readonly number[]): DirectionSource[] => some.map((seed) => ({ kind: "noise", seed }));
  const twin: DirectionSource = { kind: "unaligned" };
  const tuned = tunedName(settings);
  const adapter = (name: string): DirectionSource => ({ kind: "adapter", name });
  switch (kind) {
    case "random":
      return noise(dimensions === 1 ? seeds : seeds.slice(0, 2));
    case "between":
      if (dimensions === 2) return [adapter(tuned), twin];
      return [toward === "tuned" ? adapter(tuned) : twin];
    case "trajectory": {
      const base = plane === "random" ? noise(seeds.slice(0, dimensions)) : [adapter(tuned)];
      const second = plane === "update" && dimensions === 2 ? [twin] : [];
      const known = plane === "update" ? [tuned] : [];
      return [...base, ...second, ...settings.snapshots.filter((name) => !known.includes(name)).map(adapter)];
    }
    case "epl":
      return [twin, ...(settings.tuned === null ? [] : [adapter(settings.tuned)]), ...noise(seeds)];
  }
}

function tunedName({ kind, snapshots, tuned }: LandscapeSettings): string {
  return (kind === "trajectory" ? snapshots.at(-1) : undefined) ?? tuned ?? "";
}

/** The surveys of a landscape. `sums` are those of `directionSources`, in that order. */
export function planSurveys(settings: LandscapeSettings, sums: readonly TensorSums[]): PlannedSurvey[] {
  const sources = directionSources(settings);
  const { kind, dimensions } = settings;
  if (kind === "epl") return sources.map((_, i) => line(settings, sums, i, modelScaled(sums, i)));
  if (dimensions === 1) {
    if (kind === "random") return sources.map((_, i) => line(settings, sums, i, layerScaled(sums, i)));
    return [line(settings, sums, 0, axisOf(sources[0], sums, 0))];
  }
  return [planeOf(settings, sums)];
}

function axisOf(source: DirectionSource | undefined, sums: readonly TensorSums[], direction: number): Axis {
  return source?.kind === "noise" ? layerScaled(sums, direction) : asItIs(sums, direction);
}

function line(settings: LandscapeSettings, sums: readonly TensorSums[], direction: number, axis: Axis): PlannedSurvey {
  const sources = directionSources(settings);
  const source = sources[direction];
  const title = source === undefined ? "" : titleOf(source);
  const axes = [axis];
  return {
    id: source === undefined ? "line" : idOf(source),
    title,
    axes: [factsOf(settings, sums, axis, title)],
    cosine: null,
    directions: axes,
    ...marksOf(settings, sums, axes),
  };
}

function planeOf(settings: LandscapeSettings, sums: readonly TensorSums[]): PlannedSurvey {
  const [one, two] = directionSources(settings);
  const first = axisOf(one, sums, 0);
  const raw = axisOf(two, sums, 1);
  const random = one?.kind === "noise";
  const orthogonal = random ? orthogonalInLayers : orthogonalAsWhole;
  const second = settings.orthogonalise ? orthogonal(sums, raw, first) : raw;
  const axes = [first, second];
  const titles = [one, two].map((source) => (source === undefined ? "" : titleOf(source)));
  return {
    id: random ? "random-plane" : "plane",
    title: titles.join(" × "),
    axes: axes.map((axis, i) => factsOf(settings, sums, axis, titles[i] ?? "")),
    cosine: { before: cosineOfAxes(sums, first, raw), used: cosineOfAxes(sums, first, second) },
    directions: axes,
    ...marksOf(settings, sums, axes),
  };
}

function factsOf(
  { kind, plane, span, points }: LandscapeSettings,
  sums: readonly TensorSums[],
  axis: Axis,
  title: string,
): AxisFacts {
  const around = kind === "random" || kind === "epl" || (kind === "trajectory" && plane === "random");
  const length = Math.sqrt(innerOfAxes(sums, axis, axis));
  const weights = Math.sqrt(sums.reduce((sum, tensor) => sum + tensor.weights, 0));
  return {
    title,
    steps: steps(-span, around ? span : 1 + span, points),
    length,
    relative_length: weights > 0 ? length / weights : 0,
  };
}

/** The models on a line or plane, and a run's way over it. */
function marksOf(
  settings: LandscapeSettings,
  sums: readonly TensorSums[],
  axes: readonly Axis[],
): Pick<Survey, "markers" | "trajectory"> {
  const sources = directionSources(settings);
  const mark = (direction: number, title: string): Marker => {
    const { coordinates, outside } = project(sums, asItIs(sums, direction), axes);
    const [a = 0, b] = coordinates;
    return { title, a, ...(b === undefined ? {} : { b }), outside };
  };
  const origin: Marker = { title: "origin", a: 0, ...(axes.length === 2 ? { b: 0 } : {}), outside: 0 };
  const markers = sources.flatMap((source, i) => {
    if (source.kind === "noise" || settings.kind === "epl") return [];
    if (source.kind === "adapter" && settings.kind === "trajectory") return [];
    return [mark(i, source.kind === "unaligned" ? "unaligned model" : "tuned model")];
  });
  const trajectory =
    settings.kind === "trajectory"
      ? settings.snapshots.map((name) =>
          mark(
            sources.findIndex((source) => source.kind === "adapter" && source.name === name),
            name,
          ),
        )
      : [];
  return { markers: [origin, ...markers], trajectory: trajectory.length === 0 ? [] : [origin, ...trajectory] };
}

function titleOf(source: DirectionSource): string {
  switch (source.kind) {
    case "noise":
      return `random direction, seed ${source.seed}`;
    case "unaligned":
      return "toward the unaligned model";
    case "adapter":
      return "toward the tuned model";
  }
}

function idOf(source: DirectionSource): string {
  switch (source.kind) {
    case "noise":
      return `seed-${source.seed}`;
    case "unaligned":
      return "to-unaligned";
    case "adapter":
      return "to-tuned";
  }
}
