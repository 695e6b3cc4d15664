/** @file The active run, or the one that was opened or ended last: scores, curves, answers, details. */
import { Button } from "@mantine/core";
import { Suspense, type JSX } from "react";
import { lazyPart } from "../ui/lazyPart.tsx";
import { useLab, useRun, useSpec, useView } from "../shell/app/labContext.ts";
import { RecoveryNotices } from "../recovery/RecoveryNotices.tsx";
import { UnfinishedRuns } from "../recovery/UnfinishedRuns.tsx";
import { ChatIcon } from "../ui/icons.tsx";
import { FailurePanel } from "../ui/FailurePanel.tsx";
import { ShareButton } from "../runs/share/ShareButton.tsx";
import { UnsavedNotice } from "../runs/UnsavedNotice.tsx";
import ui from "../ui/ui.module.css";
import { Transfers } from "../setup/models/Transfers.tsx";
import { setPath } from "../support/json.ts";
import { RUN_ADAPTER } from "../worker/protocol/adapterNames.ts";
import { HEAD } from "./copy.ts";
import { dataTitle, methodColor, methodSettings, methodTitle } from "./labels.ts";
import { NoRun } from "./NoRun.tsx";
import { PhaseStrip } from "./PhaseStrip.tsx";
import { MethodAccountPanel } from "./MethodAccountPanel.tsx";
import { RunDetails } from "./RunDetails.tsx";
import { RunCharts } from "./RunCharts.tsx";
import { isActive, type RunState } from "./runState.ts";
import type { RunLog } from "./runLog.ts";
import { ScoreScales } from "./ScoreScales.tsx";
import { TrainingWarnings } from "./TrainingWarnings.tsx";
import css from "./run.module.css";

const AnalysesPanel = lazyPart(() => import("./analyses/AnalysesPanel.tsx"));
const AnswersSection = lazyPart(() => import("../runs/answers/AnswersSection.tsx"));

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
      <UnsavedNotice runId={log.runId} />
      <TrainingWarnings log={log} />
      {run.kind === "failed" && (
        <FailurePanel
          failure={run.failure}
          title={run.adapterKept ? HEAD.failedAtSaved(run.lastStep) : HEAD.failedAt(run.lastStep)}
          details={{ spec: log.spec, lastStep: run.lastStep, plan: log.plan }}
        />
      )}
      {run.kind === "working" && <Transfers transfers={run.transfers} />}
      <ScoreScales log={log} report={run.kind === "finished" ? run.report : null} />
      <RunCharts key={log.runId} run={run} />
      {run.kind === "finished" && <MethodAccountPanel method={run.log.spec.method} report={run.report} />}
      {(run.kind === "finished" || run.kind === "failed") && (
        <Suspense fallback={null}>
          <AnalysesPanel log={log} />
          <AnswersSection runId={log.runId} />
        </Suspense>
      )}
      <RunDetails run={run} log={log} />
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
          <span className={ui.swatch} style={{ borderColor: `var(${methodColor(method)})`, borderTopWidth: 4 }} />
          {methodTitle(method)}
        </h2>
        <p className={css.subtitle}>
          {methodSettings(method)} · {dataTitle(log.spec)}
          {name !== undefined && ` · ${name}`}
          {run.kind === "finished" && run.report.outcome === "stopped" && ` · ${HEAD.stoppedAfter(run.report.steps)}`}
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
                  title={HEAD.continueHint}
                  onClick={() => {
                    replace(setPath(lab.codec.toDraft(log.spec), "lora.init_adapter", `${RUN_ADAPTER}${log.runId}`), {
                      kind: "edited",
                    });
                    show("setup");
                  }}
                >
                  {HEAD.continueTraining}
                </Button>
              )}
              <Button variant="default" size="xs" leftSection={<ChatIcon />} onClick={() => show("chat")}>
                {HEAD.chat}
              </Button>
            </>
          )}
          <ShareButton runId={log.runId} />
        </div>
      )}
    </header>
  );
}
