/** @file The matmul kernels used on this device: their measurements, and a choice between these and the defaults. */
import { Button, SegmentedControl } from "@mantine/core";
import { useCallback, useState, type JSX } from "react";
import type { RunFailure } from "../../../experiment/run/events.ts";
import type { RouteRow } from "../../../experiment/measure/routeRows.ts";
import { useLab, useRun } from "../app/labContext.ts";
import { FailurePanel } from "../../ui/FailurePanel.tsx";
import { isActive } from "../../run/runState.ts";
import { count } from "../../support/format.ts";
import { toFailure } from "../../support/failure.ts";
import type { KernelsReport, KernelsCommand } from "../../worker/kernelsReport.ts";
import { usePolling } from "../../ui/usePolling.ts";
import { useReason } from "../../ui/Reason.tsx";
import { DIAGNOSTICS, KERNELS } from "./copy.ts";
import css from "./kernels.module.css";

const LOOK_EVERY_MS = 1000;
/** While measuring. */
const WATCH_EVERY_MS = 250;

export function KernelsPart(): JSX.Element | null {
  const { report, failure, ask } = useKernels();
  if (report === null) return null;
  const { choice, state, fastPaths, rows, kernels, persisted } = report;
  return (
    <div className={css.part} data-testid="kernels" data-state={state.kind}>
      <h4>{KERNELS.title}</h4>
      <p>{KERNELS.about}</p>
      <p>{KERNELS.fastPaths(fastPaths.join("; ") || KERNELS.noFastPaths)}</p>
      <SegmentedControl
        size="xs"
        value={choice}
        onChange={(value) => void ask(value === "built_in" ? "use_built_in" : "use_measured")}
        data={[
          { value: "measured", label: KERNELS.measured },
          { value: "built_in", label: KERNELS.builtIn },
        ]}
        aria-label={KERNELS.choice}
      />
      <div role="status">
        <p className={css.state} id="kernels-state">
          {stateText(report)}
        </p>
      </div>
      {choice === "measured" && <Buttons report={report} ask={ask} />}
      {!persisted && <p className={css.state}>{KERNELS.notSaved}</p>}
      {failure !== null && <FailurePanel failure={failure} title={KERNELS.commandFailed} />}
      {rows.length > 0 && (
        <details className={css.more}>
          <summary>{KERNELS.list(count(rows.length))}</summary>
          <Routes rows={rows} />
        </details>
      )}
      <details className={css.more}>
        <summary>{KERNELS.descriptions}</summary>
        <Descriptions kernels={kernels} />
      </details>
    </div>
  );
}

function Buttons({ report, ask }: { readonly report: KernelsReport; readonly ask: Ask }): JSX.Element {
  const running = useRun(({ run }) => isActive(run));
  const { state, rows, waiting } = report;
  const reason = useReason(running ? DIAGNOSTICS.waitForRun : null);
  const describedBy = reason.describedBy ?? "kernels-state";
  return (
    <div className={css.buttons}>
      {state.kind === "measuring" && state.requested ? (
        <Button variant="default" size="xs" onClick={() => void ask("stop")}>
          {KERNELS.stop}
        </Button>
      ) : (
        <Button
          variant="default"
          size="xs"
          disabled={running || waiting === 0}
          aria-describedby={describedBy}
          onClick={() => void ask("measure")}
        >
          {KERNELS.measure}
        </Button>
      )}
      <Button
        variant="default"
        size="xs"
        disabled={running || rows.length === 0}
        aria-describedby={describedBy}
        onClick={() => void ask("forget")}
      >
        {KERNELS.forget}
      </Button>
      {reason.text}
    </div>
  );
}

function stateText({ choice, state, rows, waiting }: KernelsReport): string {
  if (choice === "built_in") return KERNELS.builtInState;
  const measured = KERNELS.state(rows.length, count(waiting));
  switch (state.kind) {
    case "measuring":
      return KERNELS.measuring(measured);
    case "failed":
      return KERNELS.failed(measured, state.why);
    case "idle":
      return rows.length === 0 && waiting === 0 ? KERNELS.nothingMeasured : measured;
  }
}

/** Most work first. */
function Routes({ rows }: { readonly rows: readonly RouteRow[] }): JSX.Element {
  return (
    <table className={css.routes}>
      <thead>
        <tr>
          <th scope="col">{KERNELS.product}</th>
          <th scope="col">{KERNELS.kernel}</th>
          <th scope="col">{KERNELS.ms}</th>
          <th scope="col">{KERNELS.gflops}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ product, dtype, kernel, ms, gflops, others }) => (
          <tr key={`${product} ${dtype}`}>
            <th scope="row">
              {product}
              {dtype !== "" && <span className={css.second}>{dtype}</span>}
            </th>
            <td>
              {kernel}
              {others.map((other) => (
                <span key={other.kernel} className={css.second}>
                  {other.kernel} {KERNELS.milliseconds(other.ms.toPrecision(3))}
                </span>
              ))}
            </td>
            <td>{ms.toPrecision(3)}</td>
            <td>{gflops.toPrecision(3)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Descriptions({ kernels }: Pick<KernelsReport, "kernels">): JSX.Element {
  return (
    <dl className={css.kernels}>
      {kernels.map(({ family, name, why }) => (
        <div key={`${family} ${name}`}>
          <dt>{family === "lora" ? KERNELS.loraKernel(name) : name}</dt>
          <dd>{why}</dd>
        </div>
      ))}
    </dl>
  );
}

type Ask = (command: KernelsCommand) => Promise<void>;

interface Kernels {
  /** null until the first answer. */
  readonly report: KernelsReport | null;
  readonly failure: RunFailure | null;
  readonly ask: Ask;
}

/** Updated while the panel is open. */
function useKernels(): Kernels {
  const lab = useLab();
  const [report, setReport] = useState<KernelsReport | null>(null);
  const [failure, setFailure] = useState<RunFailure | null>(null);
  const ask = useCallback<Ask>(
    async (command) => {
      try {
        setReport(await lab.device.kernels(command));
        if (command !== "look") setFailure(null);
      } catch (error) {
        // The section above reports a missing device.
        if (command !== "look") setFailure(toFailure(error, "kernels"));
      }
    },
    [lab],
  );
  const look = useCallback(() => ask("look"), [ask]);
  usePolling(look, report?.state.kind === "measuring" ? WATCH_EVERY_MS : LOOK_EVERY_MS);
  return { report, failure, ask };
}
