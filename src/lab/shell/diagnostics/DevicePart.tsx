/** @file The device: what it is, what it allows, what is taken of its memory, how fast it is now, and whether it computes right. */
import { Button } from "@mantine/core";
import { useEffect, useState, type JSX } from "react";
import type { RunFailure } from "../../../experiment/run/events.ts";
import { KernelsPart } from "./KernelsPart.tsx";
import { ProfilePart } from "./ProfilePart.tsx";
import { useDevice, useLab, usePlan, useRun } from "../app/labContext.ts";
import { FailurePanel } from "../../ui/FailurePanel.tsx";
import { isActive, tokensPerSecond } from "../../run/runState.ts";
import { bytes, count } from "../../support/format.ts";
import { toFailure } from "../../support/failure.ts";
import type { DeviceReport } from "../../worker/deviceReport.ts";
import css from "./diagnostics.module.css";

const LOOK_EVERY_MS = 1000;

export function DevicePart(): JSX.Element {
  const device = useDevice();
  switch (device.kind) {
    case "opening":
      return <p>Asking the browser for a WebGPU device.</p>;
    case "missing":
    case "lost":
      return (
        <p>
          {device.failure.what}. {device.failure.fix}
        </p>
      );
    case "ready":
      return <Opened />;
  }
}

function Opened(): JSX.Element {
  const report = useReport();
  if (report === null) return <p>Asking the device.</p>;
  return (
    <>
      <p data-testid="device-name">
        {report.software
          ? "The browser offers no hardware GPU: a program on the processor plays one. Numbers are the same; a step takes many times longer."
          : "Training, evaluation and chat run on this device."}
      </p>
      <dl className={css.figuresList}>
        <Figure name="Adapter" value={report.adapter || report.name} />
        <Memory report={report} />
        <Speed />
        <Figure name="Largest buffer" value={bytes(report.limits.maxBufferSize ?? 0)} />
        <Figure name="Largest binding" value={bytes(report.limits.maxStorageBufferBindingSize ?? 0)} />
      </dl>
      <SelfCheck />
      <ProfilePart possible={report.canProfile} />
      <KernelsPart />
      <details className={css.more}>
        <summary>All limits and features</summary>
        <dl className={css.figuresList}>
          {Object.entries(report.limits).map(([name, value]) => (
            <Figure key={name} name={name} value={count(value)} />
          ))}
        </dl>
        <p>In use: {report.enabled.join(", ") || "none"}. No kernel needs an optional feature.</p>
        <p>Offered: {report.offered.join(", ") || "none"}.</p>
      </details>
    </>
  );
}

/** Asked anew while the panel is open. null until the first answer. */
function useReport(): DeviceReport | null {
  const lab = useLab();
  const [report, setReport] = useState<DeviceReport | null>(null);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let open = true;
    const look = async (): Promise<void> => {
      // What goes wrong here is told by the device's own state.
      const next = await lab.deviceReport("look").catch(() => null);
      if (!open) return;
      if (next !== null) setReport(next);
      timer = setTimeout(() => void look(), LOOK_EVERY_MS);
    };
    void look();
    return () => {
      open = false;
      clearTimeout(timer);
    };
  }, [lab]);
  return report;
}

function Figure({ name, value }: { readonly name: string; readonly value: string }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** What is taken now, against the plan of the run that is under way, or of the settings as they stand. */
function Memory({ report: { memory } }: { readonly report: DeviceReport }): JSX.Element {
  const running = useRun(({ run }) => (isActive(run) ? (run.log.plan?.memory.total ?? null) : null));
  const plan = usePlan();
  const planned = running ?? (plan.kind === "planned" ? plan.plan.memory.total : null);
  const peak = memory.peak > memory.live ? `, ${bytes(memory.peak)} at the peak` : "";
  return (
    <>
      <Figure name="Memory in use" value={`${bytes(memory.live)}${peak}`} />
      {planned !== null && (
        <Figure name={running === null ? "A run of these settings" : "This run’s plan"} value={bytes(planned)} />
      )}
    </>
  );
}

function Speed(): JSX.Element | null {
  const speed = useRun(({ run }) => {
    const last = run.kind === "idle" ? undefined : run.log.steps.at(-1);
    return last === undefined
      ? null
      : `${count(tokensPerSecond(last))} tokens/s${isActive(run) ? "" : " in the last step"}`;
  });
  return speed === null ? null : <Figure name="Training" value={speed} />;
}

type Checking =
  | { readonly kind: "none" }
  | { readonly kind: "checking" }
  | { readonly kind: "done"; readonly checks: NonNullable<DeviceReport["checks"]> }
  | { readonly kind: "failed"; readonly failure: RunFailure };

/** What `basin doctor` does. */
function SelfCheck(): JSX.Element {
  const lab = useLab();
  const running = useRun(({ run }) => isActive(run));
  const [state, setState] = useState<Checking>({ kind: "none" });
  const check = async (): Promise<void> => {
    setState({ kind: "checking" });
    try {
      setState({ kind: "done", checks: (await lab.deviceReport("check")).checks ?? [] });
    } catch (error) {
      setState({ kind: "failed", failure: toFailure(error, "device") });
    }
  };
  return (
    <div className={css.check} data-testid="self-check">
      <Button
        variant="default"
        size="xs"
        loading={state.kind === "checking"}
        disabled={running}
        onClick={() => void check()}
      >
        Check that it computes right
      </Button>
      {running && <span className={css.figures}> when the run has ended</span>}
      <div role="status">
        {state.kind === "done" && (
          <ul className={css.checks}>
            {state.checks.map(({ name, ok, detail }) => (
              <li key={name} data-ok={ok}>
                <strong>{ok ? "Passed" : "Failed"}</strong> {name}: {detail}
              </li>
            ))}
          </ul>
        )}
        {state.kind === "done" && state.checks.some(({ ok }) => !ok) && (
          <p>This device or its driver computes wrong numbers: update the driver, and do not trust a run on it.</p>
        )}
      </div>
      {state.kind === "failed" && <FailurePanel failure={state.failure} title="The check could not be made" />}
    </div>
  );
}
