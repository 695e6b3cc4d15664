/** @file The device: what it is, its limits, memory and speed now, and a check that it computes correct results. */
import { useCallback, useState, type JSX } from "react";
import { isActive } from "../../run/runState.ts";
import { tokensPerSecond } from "../../run/runLog.ts";
import { bytes, count } from "../../support/format.ts";
import { usePolling } from "../../ui/usePolling.ts";
import type { DeviceReport } from "../../worker/deviceReport.ts";
import { useDevice, useLab, usePlan, useRun } from "../app/labContext.ts";
import { DEVICE } from "./copy.ts";
import { DeviceAction } from "./DeviceAction.tsx";
import css from "./diagnostics.module.css";
import { KernelsPart } from "./KernelsPart.tsx";
import { ProfilePart } from "./ProfilePart.tsx";

const LOOK_EVERY_MS = 1000;

export function DevicePart(): JSX.Element {
  const device = useDevice();
  switch (device.kind) {
    case "opening":
      return <p>{DEVICE.opening}</p>;
    case "missing":
    case "lost":
      return (
        <p>
          {device.failure.what}. {device.failure.fix}
        </p>
      );
    case "ready":
      return <OpenDevice />;
  }
}

function OpenDevice(): JSX.Element {
  const report = useReport();
  if (report === null) return <p>{DEVICE.asking}</p>;
  return (
    <>
      <p data-testid="device-name">{report.software ? DEVICE.software : DEVICE.hardware}</p>
      <dl className={css.figuresList}>
        <Figure name={DEVICE.adapter} value={report.adapter || report.name} />
        <Memory report={report} />
        <Speed />
        <Figure name={DEVICE.largestBuffer} value={bytes(report.limits.maxBufferSize ?? 0)} />
        <Figure name={DEVICE.largestBinding} value={bytes(report.limits.maxStorageBufferBindingSize ?? 0)} />
      </dl>
      <SelfCheck />
      <ProfilePart possible={report.canProfile} />
      <KernelsPart />
      <details className={css.more}>
        <summary>{DEVICE.more}</summary>
        <dl className={css.figuresList}>
          {Object.entries(report.limits).map(([name, value]) => (
            <Figure key={name} name={name} value={count(value)} />
          ))}
        </dl>
        <p>{DEVICE.enabled(report.enabled.join(", ") || DEVICE.none)}</p>
        <p>{DEVICE.offered(report.offered.join(", ") || DEVICE.none)}</p>
      </details>
    </>
  );
}

/** Updated while the panel is open; null until the first answer. */
function useReport(): DeviceReport | null {
  const lab = useLab();
  const [report, setReport] = useState<DeviceReport | null>(null);
  const look = useCallback(
    async (isMounted: () => boolean): Promise<void> => {
      // The device's own state reports failures.
      const next = await lab.device.report("look").catch(() => null);
      if (next !== null && isMounted()) setReport(next);
    },
    [lab],
  );
  usePolling(look, LOOK_EVERY_MS);
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

/** Memory in use, and the plan of the current run or else of the current settings. */
function Memory({ report: { memory } }: { readonly report: DeviceReport }): JSX.Element {
  const running = useRun(({ run }) => (isActive(run) ? (run.log.plan?.memory.total ?? null) : null));
  const plan = usePlan();
  const planned = running ?? (plan.kind === "planned" ? plan.plan.memory.total : null);
  const peak = memory.peak > memory.live ? DEVICE.peak(bytes(memory.peak)) : "";
  return (
    <>
      <Figure name={DEVICE.memory} value={`${bytes(memory.live)}${peak}`} />
      {planned !== null && (
        <Figure name={running === null ? DEVICE.planned : DEVICE.plannedRun} value={bytes(planned)} />
      )}
    </>
  );
}

function Speed(): JSX.Element | null {
  const speed = useRun(({ run }) => {
    const last = run.kind === "idle" ? undefined : run.log.steps.at(-1);
    if (last === undefined) return null;
    const rate = count(tokensPerSecond(last));
    return isActive(run) ? DEVICE.speed(rate) : DEVICE.lastSpeed(rate);
  });
  return speed === null ? null : <Figure name={DEVICE.training} value={speed} />;
}

/** The same checks as `basin doctor`. */
function SelfCheck(): JSX.Element {
  const lab = useLab();
  return (
    <DeviceAction
      testId="self-check"
      label={DEVICE.check}
      failedTitle={DEVICE.checkFailed}
      request={async () => (await lab.device.report("check")).checks ?? []}
    >
      {(checks) => (
        <>
          <ul className={css.checks}>
            {checks.map(({ name, ok, detail }) => (
              <li key={name} data-ok={ok}>
                <strong>{ok ? DEVICE.passed : DEVICE.failed}</strong> {name}: {detail}
              </li>
            ))}
          </ul>
          {checks.some(({ ok }) => !ok) && <p>{DEVICE.wrong}</p>}
        </>
      )}
    </DeviceAction>
  );
}
