/** @file The table: what is varied, the queue that runs the cells, the matrix, plots of sweeps, and exports. */
import { Button } from "@mantine/core";
import { useMemo, useState, type JSX } from "react";
import { exportTable, TABLE_FORMATS, type TableFormat } from "../../experiment/table/exports.ts";
import { countStates } from "../../experiment/table/queue.ts";
import { ALL_METHODS, fromSpec, lambdaDial } from "../../experiment/table/presets.ts";
import type { SpecInput } from "../../experiment/spec/spec.ts";
import type { TableInput } from "../../experiment/table/tableSpec.ts";
import { useDevice, useLab, useRun, useSpec, useTable } from "../shell/app/labContext.ts";
import { FailurePanel } from "../ui/FailurePanel.tsx";
import { PauseIcon, PlayIcon } from "../ui/icons.tsx";
import { methodTitle } from "../run/labels.ts";
import { isActive } from "../run/runState.ts";
import { saveFile } from "../support/clipboard.ts";
import { duration } from "../support/format.ts";
import type { JsonObject } from "../support/json.ts";
import { SweepCharts } from "./SweepCharts.tsx";
import { TableBuilder } from "./TableBuilder.tsx";
import { TableMatrix } from "./TableMatrix.tsx";
import type { TablePlan } from "./tableController.ts";
import css from "./table.module.css";

const FORMAT_NAMES: Readonly<Record<TableFormat, string>> = { md: "Markdown", csv: "CSV", tex: "LaTeX", json: "JSON" };
const FORMAT_TYPES: Readonly<Record<TableFormat, string>> = {
  md: "text/markdown",
  csv: "text/csv",
  tex: "application/x-tex",
  json: "application/json",
};

export default function TableArea(): JSX.Element {
  const input = useTable((state) => state.input);
  const plan = useTable((state) => state.plan);
  const unkept = useTable((state) => state.storageProblem);
  return (
    <section data-testid="table-area" className={css.area}>
      <div className={css.head}>
        <h2>Table</h2>
        <p>
          {unkept === null
            ? "Cells run one after the other; finished ones are kept in this browser and never repeated."
            : `Kept until this tab closes: ${unkept.what}.`}
        </p>
      </div>
      <Presets />
      {input !== null && <TableBuilder input={input} />}
      {plan.kind === "invalid" && <FailurePanel title="This is not a table yet" failure={plan.failure} />}
      {plan.kind === "ready" && <Results plan={plan} />}
    </section>
  );
}

/** Three ways to begin. Each replaces the document; runs that it shares with another table are kept. */
function Presets(): JSX.Element {
  const lab = useLab();
  const check = useSpec((state) => state.check);
  const draft = useSpec((state) => state.draft);
  const running = useTable((state) => state.queue.kind === "running");
  const input = useTable((state) => state.input);
  const busy = useRun(({ run }) => isActive(run));
  const device = useDevice();
  const spec = check.kind === "valid" ? check.spec : null;
  const take = async (table: TableInput, start: boolean): Promise<void> => {
    await lab.table.edit(table as JsonObject);
    if (start) lab.table.start();
  };
  const base = draft as SpecInput;
  return (
    <div className={css.presets} data-empty={input === null}>
      <Preset
        title="Lambda dial"
        text="AsFT from λ 0 to 30 on the data and settings of Setup, three seeds. Starts at once; the plot grows with each cell."
        label="Turn the dial"
        disabled={running || busy || spec === null || device.kind === "missing"}
        onClick={() => void take(lambdaDial(base), true)}
      />
      <Preset
        title="This experiment"
        text="Setup’s method beside plain fine-tuning, on three seeds. Vary more below."
        label="Take from Setup"
        disabled={running || spec === null}
        onClick={() => spec !== null && void take(fromSpec(base, methodTitle(spec.method)), false)}
      />
      <Preset
        title="All methods"
        text="Twelve methods in the apothecary world, three seeds each: the README’s table, 36 runs."
        label="Take all methods"
        disabled={running}
        onClick={() => void take(ALL_METHODS, false)}
      />
    </div>
  );
}

function Preset({
  title,
  text,
  label,
  disabled,
  onClick,
}: {
  readonly title: string;
  readonly text: string;
  readonly label: string;
  readonly disabled: boolean;
  readonly onClick: () => void;
}): JSX.Element {
  return (
    <div className={css.preset}>
      <h3>{title}</h3>
      <p>{text}</p>
      <Button size="xs" variant="default" disabled={disabled} onClick={onClick}>
        {label}
      </Button>
    </div>
  );
}

function Results({ plan }: { readonly plan: Extract<TablePlan, { kind: "ready" }> }): JSX.Element {
  const { report } = plan;
  const some = report.rows.some(({ seeds }) => seeds.length > 0);
  return (
    <>
      <QueueLine plan={plan} />
      <SweepCharts plan={plan} />
      <TableMatrix plan={plan} />
      {some && (
        <>
          <ul className={css.notes}>
            {report.notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
          <div className={css.exports}>
            <span>Download</span>
            {TABLE_FORMATS.map((format) => (
              <Button
                key={format}
                size="compact-xs"
                variant="default"
                onClick={() =>
                  saveFile(`basin-table.${format}`, new Blob([exportTable(report, format)]), FORMAT_TYPES[format])
                }
              >
                {FORMAT_NAMES[format]}
              </Button>
            ))}
          </div>
        </>
      )}
    </>
  );
}

function QueueLine({ plan: { cells, states } }: { readonly plan: Extract<TablePlan, { kind: "ready" }> }): JSX.Element {
  const lab = useLab();
  const queue = useTable((state) => state.queue);
  const busy = useRun(({ run }) => isActive(run));
  const device = useDevice();
  const [asked, setAsked] = useState(false);
  const counts = countStates(cells, states);
  const runs = counts.waiting + counts.running + counts.finished + counts.failed;
  const left = counts.waiting + counts.running;
  const each = useMemo(() => {
    const seconds = [...states.values()].flatMap((state) => (state.kind === "finished" ? [state.outcome.seconds] : []));
    return seconds.length === 0 ? null : seconds.reduce((sum, value) => sum + value, 0) / seconds.length;
  }, [states]);
  const running = queue.kind === "running";
  return (
    <div
      className={css.queue}
      data-testid="table-queue"
      data-state={running ? (queue.pausing ? "pausing" : "running") : left === 0 ? "done" : "idle"}
    >
      <p role="status">
        <strong>
          {counts.finished} of {runs} runs
        </strong>{" "}
        finished{counts.failed > 0 ? `, ${counts.failed} failed` : ""}
        {each !== null && left > 0 ? `; about ${duration(1000 * each * left)} for the rest` : ""}
        {running && queue.pausing ? "; pauses after this cell" : ""}
      </p>
      <div className={css.tools}>
        {!running && left > 0 && (
          <Button
            size="xs"
            leftSection={<PlayIcon />}
            disabled={busy || device.kind === "missing"}
            onClick={() => lab.table.start()}
          >
            {counts.finished > 0 ? "Go on" : "Start the table"}
          </Button>
        )}
        {running && !queue.pausing && (
          <Button size="xs" variant="default" leftSection={<PauseIcon />} onClick={() => lab.table.pause()}>
            Pause after this cell
          </Button>
        )}
        {running && queue.pausing && (
          <Button size="xs" variant="default" leftSection={<PlayIcon />} onClick={() => lab.table.unpause()}>
            Do not pause
          </Button>
        )}
        {running && (
          <Button
            size="xs"
            variant="default"
            loading={asked && queue.pausing}
            onClick={() => {
              setAsked(true);
              lab.table.pause();
              lab.run.stop();
            }}
            title="Gives up the cell under way; it starts anew when the table goes on"
          >
            Pause now
          </Button>
        )}
        {counts.failed > 0 && !running && (
          <Button size="xs" variant="default" onClick={() => lab.table.retry()}>
            Retry what failed
          </Button>
        )}
      </div>
    </div>
  );
}
