/** @file Which kernels multiply on this device: those that were measured to be the fastest, what waits for its measurement, and whether that is wanted. */
import { Button, SegmentedControl } from "@mantine/core";
import { useCallback, useEffect, useState, type JSX } from "react";
import type { RunFailure } from "../../../experiment/run/events.ts";
import type { RouteRow } from "../../../experiment/measure/routeRows.ts";
import { useLab, useRun } from "../app/labContext.ts";
import { FailurePanel } from "../../ui/FailurePanel.tsx";
import { isActive } from "../../run/runState.ts";
import { count } from "../../support/format.ts";
import { toFailure } from "../../support/failure.ts";
import type { KernelsReport, KernelsCommand } from "../../worker/kernelTuning.ts";
import css from "./kernels.module.css";

const LOOK_EVERY_MS = 1000;
/** While it is measured. */
const WATCH_EVERY_MS = 250;

export function KernelsPart(): JSX.Element | null {
  const { report, failure, ask } = useKernels();
  const running = useRun(({ run }) => isActive(run));
  if (report === null) return null;
  const { choice, state, fastPaths, rows, kernels, waiting, persisted } = report;
  const measuring = state.kind === "measuring";
  return (
    <div className={css.part} data-testid="kernels" data-state={state.kind}>
      <h4>Kernels</h4>
      <p>
        A matrix product can be made by several kernels; which is fastest depends on the device, so Basin times them
        while nothing else goes on. Another kernel changes results in the last digits: a run keeps the kernels it began
        with, and the same settings run again take those of the last such run.
      </p>
      <p>Fast paths in use, each checked on this device: {fastPaths.join("; ") || "none beyond the default"}.</p>
      <SegmentedControl
        size="xs"
        value={choice}
        onChange={(value) => void ask(value === "built_in" ? "use_built_in" : "use_measured")}
        data={[
          { value: "measured", label: "Measured kernels" },
          { value: "built_in", label: "Built-in choice" },
        ]}
        aria-label="Which kernels are used"
      />
      <div role="status">
        <p className={css.state}>{stateText(report)}</p>
      </div>
      {choice === "measured" && (
        <div className={css.buttons}>
          {measuring && state.asked ? (
            <Button variant="default" size="xs" onClick={() => void ask("stop")}>
              Stop measuring
            </Button>
          ) : (
            <Button variant="default" size="xs" disabled={running || waiting === 0} onClick={() => void ask("measure")}>
              Measure now
            </Button>
          )}
          <Button
            variant="default"
            size="xs"
            disabled={running || rows.length === 0}
            onClick={() => void ask("forget")}
          >
            Forget
          </Button>
          {running && <span className={css.hint}> when the run has ended</span>}
        </div>
      )}
      {!persisted && (
        <p className={css.state}>This browser keeps nothing for this page: this lasts until the page is closed.</p>
      )}
      {failure !== null && <FailurePanel failure={failure} title="That could not be done" />}
      {rows.length > 0 && (
        <details className={css.more}>
          <summary>{count(rows.length)} measured</summary>
          <Routes rows={rows} />
        </details>
      )}
      <details className={css.more}>
        <summary>What each kernel does</summary>
        <Descriptions kernels={kernels} />
      </details>
    </div>
  );
}

function stateText({ choice, state, rows, waiting }: KernelsReport): string {
  if (choice === "built_in") return "Nothing is measured, and nothing that was is used.";
  const measured = `${products(rows.length)} measured, ${count(waiting)} ${waiting === 1 ? "waits" : "wait"}.`;
  switch (state.kind) {
    case "measuring":
      return `Measuring: ${measured}`;
    case "failed":
      return `${measured} The others could not be measured: ${state.why}`;
    case "resting":
      return rows.length === 0 && waiting === 0
        ? "Nothing is measured yet: what runs and chats multiply is, after them."
        : measured;
  }
}

function products(n: number): string {
  return `${count(n)} ${n === 1 ? "product" : "products"}`;
}

/** Most work first. */
function Routes({ rows }: { readonly rows: readonly RouteRow[] }): JSX.Element {
  return (
    <table className={css.routes}>
      <thead>
        <tr>
          <th scope="col">Product, weight</th>
          <th scope="col">Kernel, others</th>
          <th scope="col">ms</th>
          <th scope="col">GFLOP/s</th>
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
                  {other.kernel} {other.ms.toPrecision(3)} ms
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
          <dt>{family === "lora" ? `${name}, LoRA` : name}</dt>
          <dd>{why}</dd>
        </div>
      ))}
    </dl>
  );
}

interface Kernels {
  /** null until the first answer. */
  readonly report: KernelsReport | null;
  readonly failure: RunFailure | null;
  readonly ask: (wish: KernelsCommand) => Promise<void>;
}

/** Asked anew while the panel is open. */
function useKernels(): Kernels {
  const lab = useLab();
  const [report, setReport] = useState<KernelsReport | null>(null);
  const [failure, setFailure] = useState<RunFailure | null>(null);
  const ask = useCallback(
    async (wish: KernelsCommand): Promise<void> => {
      try {
        setReport(await lab.kernels(wish));
        if (wish !== "look") setFailure(null);
      } catch (error) {
        // That there is no device is told above.
        if (wish !== "look") setFailure(toFailure(error, "kernels"));
      }
    },
    [lab],
  );
  const every = report?.state.kind === "measuring" ? WATCH_EVERY_MS : LOOK_EVERY_MS;
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let open = true;
    const look = async (): Promise<void> => {
      await ask("look");
      if (open) timer = setTimeout(() => void look(), every);
    };
    void look();
    return () => {
      open = false;
      clearTimeout(timer);
    };
  }, [ask, every]);
  return { report, failure, ask };
}
