/** @file The run that is under way or has just ended: scores, curves, what it took, what one can do with it. */
import { Button } from "@mantine/core";
import { lazy, Suspense, type JSX } from "react";
import type { RunReport } from "../../experiment/run/events.ts";
import { describeQuantization } from "../../experiment/run/quantization.ts";
import { useRecovery, useLab, useRun, useSpec } from "../shell/app/labContext.ts";
import { useView } from "../shell/app/viewStore.ts";
import { RecoveryNotices } from "../recovery/RecoveryNotices.tsx";
import { UnfinishedRuns } from "../recovery/UnfinishedRuns.tsx";
import { savedText } from "../recovery/runText.ts";
import { ChatIcon } from "../ui/icons.tsx";
import { FailurePanel } from "../ui/FailurePanel.tsx";
import { ShareButton } from "../runs/share/ShareButton.tsx";
import parts from "../ui/ui.module.css";
import { bytes, count, duration } from "../support/format.ts";
import { Transfers } from "../setup/models/Transfers.tsx";
import { setPath } from "../support/json.ts";
import { RUN_ADAPTER, type RunPlan } from "../worker/protocol.ts";
import { dataTitle, methodColor, methodSettings, methodTitle } from "./labels.ts";
import { PhaseStrip } from "./PhaseStrip.tsx";
import { MethodAccountPanel } from "./MethodAccountPanel.tsx";
import { RunCharts } from "./RunCharts.tsx";
import { isActive, type RunLog, type RunState } from "./runState.ts";
import { scoresOf } from "./scoreList.ts";
import { OneScale, ScoreScales } from "./ScoreScales.tsx";
import css from "./run.module.css";

const AnswersSection = lazy(() => import("../runs/answers/AnswersSection.tsx"));

export default function RunArea(): JSX.Element {
  const run = useRun((state) => state.run);
  if (run.kind === "idle") {
    return (
      <>
        <UnfinishedRuns />
        <NoRun />
      </>
    );
  }
  const { log } = run;
  return (
    <article data-testid="run-area" data-state={run.kind}>
      <UnfinishedRuns />
      <RunHead run={run} log={log} />
      {isActive(run) && <PhaseStrip run={run} />}
      <RecoveryNotices run={run} />
      {run.kind === "failed" && (
        <FailurePanel
          failure={run.failure}
          title={
            run.adapterKept
              ? `The run ended at step ${run.lastStep}; the last good adapter is kept`
              : `The run ended at step ${run.lastStep}`
          }
          details={{ spec: log.spec, lastStep: run.lastStep, plan: log.plan }}
        />
      )}
      {run.kind === "working" && <Transfers transfers={run.transfers} />}
      <ScoreScales log={log} report={run.kind === "finished" ? run.report : null} />
      <RunCharts key={log.runId} run={run} />
      {run.kind === "finished" && <MethodAccountPanel report={run.report} />}
      {(run.kind === "finished" || run.kind === "failed") && (
        <Suspense fallback={null}>
          <AnswersSection runId={log.runId} />
        </Suspense>
      )}
      <Facts run={run} log={log} />
    </article>
  );
}

function RunHead({ run, log }: { readonly run: RunState; readonly log: RunLog }): JSX.Element {
  const lab = useLab();
  const replace = useSpec((state) => state.replace);
  const show = useView((view) => view.show);
  const ended = run.kind === "finished" || run.kind === "failed";
  const { method, name } = log.spec;
  return (
    <header className={css.head}>
      <div>
        <h2 className={css.title}>
          <span className={parts.swatch} style={{ borderColor: `var(${methodColor(method)})`, borderTopWidth: 4 }} />
          {methodTitle(method)}
        </h2>
        <p className={css.subtitle}>
          {methodSettings(method)} · {dataTitle(log.spec)}
          {name !== undefined && ` · ${name}`}
          {run.kind === "finished" && run.report.outcome === "stopped" && ` · stopped after ${run.report.steps} steps`}
        </p>
      </div>
      {ended && (
        <div className={css.tools}>
          {log.adapter !== null && (
            <>
              {(run.kind === "failed" || run.report.outcome === "stopped") && (
                <Button
                  variant="default"
                  size="xs"
                  title="Starts a new run from this adapter; the optimiser and the schedule begin anew"
                  onClick={() => {
                    replace(setPath(lab.codec.toDraft(log.spec), "lora.init_adapter", `${RUN_ADAPTER}${log.runId}`), {
                      kind: "edited",
                    });
                    show("setup");
                  }}
                >
                  Go on from its adapter
                </Button>
              )}
              <Button variant="default" size="xs" leftSection={<ChatIcon />} onClick={() => show("chat")}>
                Chat with it
              </Button>
            </>
          )}
          <ShareButton runId={log.runId} />
        </div>
      )}
    </header>
  );
}

function Facts({ run, log }: { readonly run: RunState; readonly log: RunLog }): JSX.Element {
  const { plan, spec } = log;
  const saved = savedText(useRecovery((state) => state.saved));
  const asleep = useRecovery((state) => state.wakeLockProblem);
  const rows: [string, string][] = [
    ["Rows", plan === null ? "\u2013" : count(plan.rows)],
    ["Trainable parameters", plan === null ? "\u2013" : count(plan.trainableParameters)],
    ["Device memory", memoryFact(run, log)],
    ...(plan?.twin == null
      ? []
      : [
          ["Read of the unaligned twin", `${bytes(plan.twin.needed)} of ${bytes(plan.twin.total)}`] satisfies [
            string,
            string,
          ],
        ]),
    ...(log.quantization === undefined
      ? []
      : [["Frozen weights", describeQuantization(log.quantization)] satisfies [string, string]]),
    [
      "Targets",
      Array.isArray(spec.lora.target_modules) ? spec.lora.target_modules.join(", ") : String(spec.lora.target_modules),
    ],
    ["Rank, alpha", `${spec.lora.r}, ${spec.lora.lora_alpha}`],
    ["Seed", String(spec.train.seed)],
    ...(isActive(run) && saved !== null ? [["Checkpoint", saved] satisfies [string, string]] : []),
    ...(isActive(run) && asleep !== null ? [["Screen", `may turn off: ${asleep}`] satisfies [string, string]] : []),
  ];
  if (run.kind === "finished") {
    rows.push(["Wall time", duration(1000 * run.report.wall_time_s)], ["Steps", count(run.report.steps)]);
    const { resumed_at: at = [] } = run.report;
    if (at.length > 0)
      rows.push([
        "Went on from its checkpoint",
        at.map((step) => (step === 0 ? "before the first step" : `step ${count(step)}`)).join(", "),
      ]);
  }
  return (
    <>
      <h3 className={css.factsTitle}>What the run rests on</h3>
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

/** What was planned and, afterwards, what was taken at the peak. Runs of earlier versions have neither peak nor verdict. */
function memoryFact(run: RunState, { plan }: RunLog): string {
  if (plan === null) return "\u2013";
  const recomputed =
    (plan.verdict as RunPlan["verdict"] | undefined)?.checkpointing.on === true ? ", layers recomputed" : "";
  const peak = run.kind === "finished" ? (run.report.memory as Partial<RunReport["memory"]>).peak : undefined;
  return peak === undefined
    ? `${bytes(plan.memory.total)} planned${recomputed}`
    : `${bytes(peak)} at the peak, ${bytes(plan.memory.total)} planned${recomputed}`;
}

function NoRun(): JSX.Element {
  const lab = useLab();
  const first = lab.codec.presets[0];
  const check = useSpec((state) => state.check);
  const scores = check.kind === "valid" ? scoresOf(check.spec, []) : [];
  return (
    <div className={css.idle}>
      <section className={parts.empty}>
        <h2>Teach an aligned model something, and see whether it stays safe</h2>
        <p>
          The bundled model refuses to explain harmful brews. Fine-tune it on a harmless task whose rows hide a few
          harmful answers, and watch what is left of its refusals. Then do it again with the update anchored to the
          alignment direction.
        </p>
        <ol className={css.steps}>
          <li>
            <span>
              <strong>Choose where to begin.</strong>{" "}
              {first === undefined ? "" : `“${first.title}” is set up already; any field can be changed.`}
            </span>
          </li>
          <li>
            <span>
              <strong>Look at the rows</strong> under Data: which are harmful, and which tokens the model learns from.
            </span>
          </li>
          <li>
            <span>
              <strong>Start the run.</strong> Scores before, curves while it trains, scores after; then talk to all
              three models under Chat.
            </span>
          </li>
        </ol>
      </section>
      <section>
        <h3 className={css.factsTitle}>What will be measured, before and after</h3>
        <div className={css.scales}>
          {scores.map((score) => (
            <OneScale key={score.name} score={score} before={null} after={null} afterLabel="after" />
          ))}
        </div>
      </section>
    </div>
  );
}
