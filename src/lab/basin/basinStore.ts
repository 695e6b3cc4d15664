/** @file The landscape on screen: one discriminated state, and how the worker's events change it. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { LandscapeDocument, LandscapePoint, Survey } from "../../experiment/landscape/landscapeDocument.ts";
import type { KnownPoint } from "../../experiment/landscape/landscapeRun.ts";
import type { RunFailure } from "../../experiment/run/events.ts";
import type { LandscapeEvent } from "../worker/protocol/landscape.ts";

/** What has been measured so far. */
export interface Measured {
  readonly surveys: readonly Survey[];
  readonly done: number;
  readonly total: number;
}

export type BasinState =
  | { readonly kind: "empty" }
  | { readonly kind: "opening"; readonly id: string }
  | {
      readonly kind: "measuring";
      readonly id: string;
      readonly paused: boolean;
      /** A run has the device. */
      readonly waiting: boolean;
      readonly measured: Measured;
    }
  | { readonly kind: "stopped"; readonly measured: Measured | null }
  | { readonly kind: "failed"; readonly failure: RunFailure; readonly measured: Measured | null }
  | { readonly kind: "done"; readonly document: LandscapeDocument; readonly measured: Measured };

export type BasinStore = StoreApi<BasinState>;

export function createBasinStore(): BasinStore {
  return createStore<BasinState>()(() => ({ kind: "empty" }));
}

export function measuredOf(state: BasinState): Measured | null {
  return state.kind === "empty" || state.kind === "opening" ? null : state.measured;
}

/** Events of a landscape that is not on screen change nothing. */
export function afterLandscapeEvent(state: BasinState, event: LandscapeEvent): BasinState {
  if ((state.kind !== "opening" && state.kind !== "measuring") || state.id !== event.landscapeId) return state;
  switch (event.type) {
    case "landscape_begun": {
      const { surveys, total } = event.begun;
      const paused = state.kind === "measuring" && state.paused;
      return { kind: "measuring", id: state.id, paused, waiting: false, measured: { surveys, done: 0, total } };
    }
    case "landscape_waiting":
      return state.kind === "measuring" ? { ...state, waiting: true } : state;
    case "landscape_point":
      return state.kind === "measuring" ? { ...state, measured: withPoint(state.measured, event.point) } : state;
    case "landscape_done": {
      const { surveys } = event.document;
      const total = state.kind === "measuring" ? state.measured.total : 0;
      return { kind: "done", document: event.document, measured: { surveys, done: total, total } };
    }
    case "landscape_failed":
      return event.failure === null
        ? { kind: "stopped", measured: measuredOf(state) }
        : { kind: "failed", failure: event.failure, measured: measuredOf(state) };
  }
}

/** The origin of a landscape is a point of each of its lines and planes. */
function withPoint({ surveys, done, total }: Measured, { survey: id, a, b, scores }: KnownPoint): Measured {
  const next = surveys.map((survey): Survey => {
    const [first, second] = survey.axes;
    const onGrid = first?.steps.includes(0) === true && second?.steps.includes(0) !== false;
    if (survey.id !== id && !(id === "origin" && onGrid)) return survey;
    const at = second === undefined ? {} : { b: b ?? 0 };
    const point: LandscapePoint = { a, ...at, ...scores };
    const rest = survey.points.filter((other) => other.a !== a || other.b !== point.b);
    const points = [...rest, point].sort((p, q) => (p.b ?? 0) - (q.b ?? 0) || p.a - q.a);
    return { ...survey, points };
  });
  return { surveys: next, done: done + 1, total };
}
