/** @file What the run will cost, and the Start button or why it is disabled. */
import { Button, Tooltip } from "@mantine/core";
import type { JSX } from "react";
import { stepSignature } from "../run/runStore.ts";
import { useDevice, useLab, usePlan, useRun, useSpec, useView } from "../shell/app/labContext.ts";
import { count, duration } from "../support/format.ts";
import { PlayIcon } from "../ui/icons.tsx";
import type { RunPlan } from "../worker/protocol/run.ts";
import { COST, START } from "./copy.ts";
import { MemoryFigure, MemoryHelp } from "./MemoryHelp.tsx";
import { planKey } from "./planStore.ts";
import { readiness, type Readiness } from "./readiness.ts";
import css from "./setup.module.css";

export function Footer(): JSX.Element {
  const lab = useLab();
  const show = useView((view) => view.show);
  const plan = usePlan();
  const check = useSpec((state) => state.check);
  const typing = useSpec((state) => state.typing);
  const run = useRun((state) => state.run);
  const device = useDevice();
  const ready = readiness({ check, typing, device, run, plan });
  const planned =
    plan.kind === "planned" && check.kind === "valid" && plan.key === planKey(check.spec) ? plan.plan : null;
  return (
    <div className={css.footer}>
      <Cost plan={planned} />
      {planned !== null && <MemoryHelp verdict={planned.verdict} />}
      <Button
        fullWidth
        size="md"
        leftSection={<PlayIcon />}
        disabled={ready.kind !== "ready"}
        aria-describedby="readiness"
        onClick={() => {
          if (ready.kind !== "ready") return;
          lab.run.start(ready.spec);
          show("run");
        }}
      >
        {START.button}
      </Button>
      <p className={css.reason} id="readiness" role="status">
        <ReadinessText ready={ready} />
      </p>
      {ready.kind === "blocked" && ready.canRetry && (
        <Button variant="default" size="compact-xs" onClick={() => lab.preview.invalidate()}>
          {START.retry}
        </Button>
      )}
    </div>
  );
}

/** @param plan null while the run is not planned */
function Cost({ plan }: { readonly plan: RunPlan | null }): JSX.Element {
  const check = useSpec((state) => state.check);
  const measured = useRun((state) => state.measured);
  const sameStep = measured !== null && check.kind === "valid" && measured.signature === stepSignature(check.spec);
  return (
    <dl className={css.cost}>
      <div>
        <dt>{COST.memory}</dt>
        <dd>{plan === null ? COST.unknown : <MemoryFigure memory={plan.memory} />}</dd>
      </div>
      <div>
        <dt>{COST.steps}</dt>
        <dd>{plan === null ? COST.unknown : count(plan.totalSteps)}</dd>
      </div>
      <div>
        <dt>{COST.trainable}</dt>
        <dd>{plan === null ? COST.unknown : count(plan.trainableParameters)}</dd>
      </div>
      <div>
        <dt>{COST.time}</dt>
        <dd>
          {plan !== null && sameStep ? (
            COST.about(duration(measured.ms * plan.totalSteps))
          ) : (
            <Tooltip label={COST.notMeasuredHint}>
              <span tabIndex={0}>{COST.notMeasured}</span>
            </Tooltip>
          )}
        </dd>
      </div>
    </dl>
  );
}

function ReadinessText({ ready }: { readonly ready: Readiness }): JSX.Element {
  switch (ready.kind) {
    case "ready":
      return <>{START.ready}</>;
    case "soon":
      return <>{START.soon(ready.reason)}</>;
    case "blocked":
      return (
        <>
          <strong>{sentence(ready.reason)}</strong> {ready.fix}
        </>
      );
  }
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
