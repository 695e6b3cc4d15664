/** @file Whether the run can start, and if not, the first reason why. */
import type { Spec } from "../../experiment/spec/spec.ts";
import type { DeviceState } from "../shell/header/deviceStore.ts";
import { isActive, type RunState } from "../run/runState.ts";
import { READINESS } from "./copy.ts";
import { planKey, type PlanState } from "./planStore.ts";
import type { SpecCheck, Typing } from "./specStore.ts";

export type Readiness =
  | { readonly kind: "ready"; readonly spec: Spec }
  /** Not ready yet, without anything for the user to do: the device is opening, the run is being planned. */
  | { readonly kind: "soon"; readonly reason: string }
  /** The user has to change something. `path`: the field. `canRetry`: what was asked may be answered otherwise now. */
  | {
      readonly kind: "blocked";
      readonly reason: string;
      readonly fix: string;
      readonly path: string | null;
      readonly canRetry: boolean;
    };

export interface ReadinessInput {
  readonly check: SpecCheck;
  readonly typing: Typing | null;
  readonly device: DeviceState;
  readonly run: RunState;
  readonly plan: PlanState;
}

export function readiness({ check, typing, device, run, plan }: ReadinessInput): Readiness {
  if (device.kind === "missing" || device.kind === "lost") return blocked(device.failure.what, device.failure.fix);
  if (typing?.error != null) return blocked(READINESS.invalidJson(typing.error), READINESS.invalidJsonFix);
  if (check.kind === "invalid") {
    const [first] = check.problems;
    const more = check.problems.length > 1 ? READINESS.moreProblems(check.problems.length - 1) : "";
    return blocked(`${first?.message ?? READINESS.invalidSpec}${more}`, first?.fix ?? "", first?.path ?? null);
  }
  if (isActive(run)) return blocked(READINESS.running, READINESS.runningFix);
  if (device.kind === "opening") return { kind: "soon", reason: READINESS.opening };
  // The plan may still be that of the settings before the last change.
  if (plan.key !== planKey(check.spec)) return { kind: "soon", reason: READINESS.planning };
  if (plan.kind === "impossible") return { ...blocked(plan.failure.what, plan.failure.fix), canRetry: true };
  if (plan.kind !== "planned") return { kind: "soon", reason: READINESS.planning };
  // MemoryHelp, right above the button, has the details.
  if (plan.plan.verdict.obstacle?.certain) return blocked(READINESS.memory, READINESS.memoryFix);
  return { kind: "ready", spec: check.spec };
}

function blocked(reason: string, fix: string, path: string | null = null): Extract<Readiness, { kind: "blocked" }> {
  return { kind: "blocked", reason, fix, path, canRetry: false };
}
