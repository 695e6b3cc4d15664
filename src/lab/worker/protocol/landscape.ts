/** @file A landscape: what starts and controls it, and its points as they are measured. */
import type { LandscapeDocument } from "../../../experiment/landscape/landscapeDocument.ts";
import type { BegunLandscape, KnownPoint } from "../../../experiment/landscape/landscapeRun.ts";
import type { LandscapeSpec } from "../../../experiment/landscape/landscapeSpec.ts";
import type { RunFailure } from "../../../experiment/run/events.ts";

export type LandscapeCommand =
  | { readonly type: "landscape"; readonly landscapeId: string; readonly spec: LandscapeSpec }
  | { readonly type: "landscape_pause"; readonly landscapeId: string }
  | { readonly type: "landscape_resume"; readonly landscapeId: string }
  | { readonly type: "landscape_stop"; readonly landscapeId: string };

export type LandscapeEvent =
  | { readonly type: "landscape_begun"; readonly landscapeId: string; readonly begun: BegunLandscape }
  | { readonly type: "landscape_point"; readonly landscapeId: string; readonly point: KnownPoint }
  /** It has given way to a run, and goes on when that has ended: with `landscape_begun` and all points so far. */
  | { readonly type: "landscape_waiting"; readonly landscapeId: string }
  | { readonly type: "landscape_done"; readonly landscapeId: string; readonly document: LandscapeDocument }
  /** `failure` is null where the user stopped it. */
  | { readonly type: "landscape_failed"; readonly landscapeId: string; readonly failure: RunFailure | null };
