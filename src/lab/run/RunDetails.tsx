/** @file Settings and measurements of a run as a list of names and values. */
import type { JSX } from "react";
import type { RunReport } from "../../experiment/run/events.ts";
import { describeQuantization } from "../../experiment/run/quantization.ts";
import { savedText } from "../recovery/runText.ts";
import { useRecovery } from "../shell/app/labContext.ts";
import { bytes, count, duration } from "../support/format.ts";
import type { RunPlan } from "../worker/protocol/run.ts";
import { DETAILS } from "./copy.ts";
import css from "./run.module.css";
import { isActive, type RunState } from "./runState.ts";
import type { RunLog } from "./runLog.ts";

type Row = readonly [name: string, value: string];

export function RunDetails({ run, log }: { readonly run: RunState; readonly log: RunLog }): JSX.Element {
  const saved = savedText(useRecovery((state) => state.saved));
  const asleep = useRecovery((state) => state.wakeLockProblem);
  const rows: readonly Row[] = [
    ...planRows(run, log),
    ...settingRows(log),
    ...(isActive(run) && saved !== null ? [[DETAILS.snapshot, saved] as const] : []),
    ...(isActive(run) && asleep !== null ? [[DETAILS.screen, DETAILS.screenMayTurnOff(asleep)] as const] : []),
    ...(run.kind === "finished" ? reportRows(run.report) : []),
  ];
  return (
    <>
      <h3 className={css.factsTitle}>{DETAILS.title}</h3>
      <dl className={css.facts}>
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function planRows(run: RunState, { plan, quantization }: RunLog): readonly Row[] {
  return [
    [DETAILS.rows, plan === null ? DETAILS.none : count(plan.rows)],
    [DETAILS.parameters, plan === null ? DETAILS.none : count(plan.trainableParameters)],
    [DETAILS.memory, plan === null ? DETAILS.none : memoryText(run, plan)],
    ...(plan?.twin == null
      ? []
      : [[DETAILS.twin, DETAILS.ofBytes(bytes(plan.twin.needed), bytes(plan.twin.total))] as const]),
    ...(quantization === undefined ? [] : [[DETAILS.frozenWeights, describeQuantization(quantization)] as const]),
  ];
}

function settingRows({ spec: { lora, train } }: RunLog): readonly Row[] {
  const targets = lora.target_modules;
  return [
    [DETAILS.targets, typeof targets === "string" ? targets : targets.join(", ")],
    [DETAILS.rankAlpha, `${lora.r}, ${lora.lora_alpha}`],
    [DETAILS.seed, String(train.seed)],
  ];
}

function reportRows({ wall_time_s, steps, resumed_at: resumed = [] }: RunReport): readonly Row[] {
  return [
    [DETAILS.wallTime, duration(1000 * wall_time_s)],
    [DETAILS.steps, count(steps)],
    ...(resumed.length === 0
      ? []
      : [
          [
            DETAILS.resumedFrom,
            resumed.map((step) => (step === 0 ? DETAILS.beginning : DETAILS.step(step))).join(", "),
          ] as const,
        ]),
  ];
}

/** Planned and peak memory. Runs of earlier versions have neither a peak nor a verdict. */
function memoryText(run: RunState, plan: RunPlan): string {
  const peak = run.kind === "finished" ? (run.report.memory as Partial<RunReport["memory"]>).peak : undefined;
  const planned = bytes(plan.memory.total);
  const recomputes = (plan.verdict as RunPlan["verdict"] | undefined)?.checkpointing.on === true;
  const text = peak === undefined ? DETAILS.planned(planned) : DETAILS.peak(bytes(peak), planned);
  return recomputes ? `${text}, ${DETAILS.activationCheckpointing}` : text;
}
