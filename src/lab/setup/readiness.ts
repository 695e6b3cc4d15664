/** @file Whether Start may be pressed, and if not, why: one sentence, the first obstacle that stands in the way. */
import type { Spec } from "../../experiment/spec/spec.ts";
import type { DeviceState } from "../shell/header/deviceStore.ts";
import { isActive, type RunState } from "../run/runState.ts";
import { planKey, type PlanState } from "./planStore.ts";
import type { SpecCheck, Typing } from "./specStore.ts";

export type Readiness =
  | { readonly kind: "ready"; readonly spec: Spec }
  /** Something that passes by itself: the device opens, the plan is made. */
  | { readonly kind: "soon"; readonly reason: string }
  /** Something that the user has to change. `path` is the field. */
  | { readonly kind: "blocked"; readonly reason: string; readonly fix: string; readonly path: string | null };

export interface ReadinessInput {
  readonly check: SpecCheck;
  readonly typing: Typing | null;
  readonly device: DeviceState;
  readonly run: RunState;
  readonly plan: PlanState;
}

export function readiness({ check, typing, device, run, plan }: ReadinessInput): Readiness {
  if (device.kind === "missing" || device.kind === "lost") return blocked(device.failure.what, device.failure.fix);
  if (typing?.error != null)
    return blocked(`The JSON cannot be read: ${typing.error}`, "Mend the text, or discard it and go on with the form.");
  if (check.kind === "invalid") {
    const [first] = check.problems;
    const more = check.problems.length > 1 ? ` (and ${check.problems.length - 1} more)` : "";
    return blocked(`${first?.message ?? "The spec is not valid"}${more}`, first?.fix ?? "", first?.path ?? null);
  }
  if (isActive(run)) return blocked("A run is under way", "Stop it, or wait until it has finished.");
  if (device.kind === "opening") return { kind: "soon", reason: "Opening the GPU" };
  // A plan of the settings before the last change says nothing about these.
  if (plan.key !== planKey(check.spec)) return { kind: "soon", reason: "Working out what the run will take" };
  if (plan.kind === "impossible") return blocked(plan.failure.what, plan.failure.fix);
  if (plan.kind !== "planned") return { kind: "soon", reason: "Working out what the run will take" };
  // What is missing, and what would help, stands right above Start.
  if (plan.plan.verdict.obstacle?.certain)
    return blocked("The memory does not suffice", "Take one of the changes above, or change other settings.");
  return { kind: "ready", spec: check.spec };
}

function blocked(reason: string, fix: string, path: string | null = null): Readiness {
  return { kind: "blocked", reason, fix, path };
}
