/** @file Where and how a run was made: device, versions, times, LoRA settings. */
import { duration } from "../../base/format.ts";
import type { RunReport } from "../run/events.ts";
import { DETAILS } from "./copy.ts";
import { markup, type Markup } from "./markup.ts";
import { isoMinute, type ReportRun } from "./reportRun.ts";
import { definitions } from "./tables.ts";

type Fact = readonly [name: string, value: string];

export function detailsSection({ runId, endedAt, ending, spec: { lora, model } }: ReportRun): Markup {
  const targets = lora.target_modules;
  const facts: readonly Fact[] = [
    [DETAILS.run, runId],
    ...(endedAt === null ? [] : [[DETAILS.ended, DETAILS.utc(isoMinute(endedAt))] as const]),
    ...(ending.kind === "finished" ? reportFacts(ending.report) : []),
    [DETAILS.rankAlpha, `${lora.r}, ${lora.lora_alpha}`],
    [DETAILS.targets, typeof targets === "string" ? targets : targets.join(", ")],
    [DETAILS.weights, model.quantization ?? DETAILS.weightsAsStored],
  ];
  return markup`<h3>${DETAILS.title}</h3>${definitions(facts)}`;
}

function reportFacts({ device, versions, wall_time_s, resumed_at: resumed }: RunReport): readonly Fact[] {
  return [
    [DETAILS.device, device],
    ...Object.entries(versions).map(([name, version]): Fact => [name.charAt(0).toUpperCase() + name.slice(1), version]),
    [DETAILS.wallTime, duration(1000 * wall_time_s)],
    ...(resumed === undefined ? [] : [[DETAILS.resumedFrom, DETAILS.resumedSteps(resumed)] as const]),
  ];
}
