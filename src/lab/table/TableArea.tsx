/** @file The table: what to vary, the queue that makes the runs, the matrix, plots of sweeps, and exports. */
import { Button } from "@mantine/core";
import type { JSX } from "react";
import { methodTitle } from "../run/labels.ts";
import { isActive } from "../run/runState.ts";
import { exportTable, TABLE_FORMATS, type TableFormat } from "../../experiment/table/exports.ts";
import { METHODS_COMPARED, fromSpec, lambdaDial, PRUNING_SWEEP } from "../../experiment/table/presets.ts";
import type { SpecInput } from "../../experiment/spec/spec.ts";
import type { TableInput } from "../../experiment/table/tableSpec.ts";
import { useDevice, useLab, useRun, useSpec, useTable } from "../shell/app/labContext.ts";
import { saveFile } from "../support/clipboard.ts";
import { isJsonObject, type JsonObject } from "../support/json.ts";
import { AreaHead } from "../ui/AreaHead.tsx";
import { FailurePanel } from "../ui/FailurePanel.tsx";
import { useReason } from "../ui/Reason.tsx";
import { TABLE, TABLE_PRESETS } from "./copy.ts";
import { QueueLine } from "./QueueLine.tsx";
import { SweepCharts } from "./SweepCharts.tsx";
import { TableBuilder } from "./TableBuilder.tsx";
import { TableMatrix } from "./TableMatrix.tsx";
import type { TablePlan } from "./tableStore.ts";
import css from "./table.module.css";

const FORMAT_TYPES: Readonly<Record<TableFormat, string>> = {
  md: "text/markdown",
  csv: "text/csv",
  tex: "application/x-tex",
  json: "application/json",
};

export default function TableArea(): JSX.Element {
  const input = useTable((state) => state.input);
  const plan = useTable((state) => state.plan);
  const notSaved = useTable((state) => state.storageProblem);
  return (
    <section data-testid="table-area" className={css.area}>
      <AreaHead title={TABLE.title}>{notSaved === null ? TABLE.saved : TABLE.notSaved(notSaved.what)}</AreaHead>
      <Presets />
      {input !== null && <TableBuilder input={input} />}
      {plan.kind === "invalid" && <FailurePanel title={TABLE.invalid} failure={plan.failure} />}
      {plan.kind === "ready" && <Results plan={plan} />}
    </section>
  );
}

/** Each preset replaces the table. Results of runs that both tables contain are kept. */
function Presets(): JSX.Element {
  const lab = useLab();
  const check = useSpec((state) => state.check);
  const draft = useSpec((state) => state.draft);
  const running = useTable((state) => state.queue.kind !== "idle");
  const busy = useRun(({ run }) => isActive(run));
  const device = useDevice();
  const spec = check.kind === "valid" ? check.spec : null;
  const take = async (table: TableInput, start: boolean): Promise<void> => {
    await lab.table.edit(table as JsonObject);
    if (start) await lab.table.start();
  };
  const blocked = running ? TABLE.tableRuns : spec === null ? TABLE.invalidSettings : null;
  const base = draft as SpecInput;
  const { sweep, current, comparison, pruning } = TABLE_PRESETS;
  return (
    <div className={css.presets}>
      <Preset
        title={sweep.title}
        text={sweep.text}
        label={sweep.take}
        blocked={blocked ?? (busy ? TABLE.runActive : device.kind === "missing" ? device.failure.what : null)}
        onClick={() => void take(lambdaDial(base), true)}
      />
      <Preset
        title={current.title}
        text={current.text}
        label={current.take}
        blocked={blocked}
        onClick={() => spec !== null && void take(fromSpec(base, methodTitle(spec.method)), false)}
      />
      <Preset
        title={comparison.title}
        text={comparison.text(valuesOn(METHODS_COMPARED, "method"), runsOf(METHODS_COMPARED))}
        label={comparison.take}
        blocked={running ? TABLE.tableRuns : null}
        onClick={() => void take(METHODS_COMPARED, false)}
      />
      <Preset
        title={pruning.title}
        text={pruning.text(runsOf(PRUNING_SWEEP))}
        label={pruning.take}
        blocked={running ? TABLE.tableRuns : null}
        onClick={() => void take(PRUNING_SWEEP, false)}
      />
    </div>
  );
}

function runsOf(table: TableInput): number {
  return valuesOn(table, "method") * valuesOn(table, "seed");
}

/** Number of values on an axis of a preset. */
function valuesOn({ axes }: TableInput, axis: "method" | "seed"): number {
  const values: unknown = axes?.[axis];
  return Array.isArray(values) ? values.length : isJsonObject(values) ? Object.keys(values).length : 1;
}

interface PresetProps {
  readonly title: string;
  readonly text: string;
  readonly label: string;
  /** Why it cannot be taken now; null if it can. */
  readonly blocked: string | null;
  readonly onClick: () => void;
}

function Preset({ title, text, label, blocked, onClick }: PresetProps): JSX.Element {
  const reason = useReason(blocked);
  return (
    <div className={css.preset}>
      <h3>{title}</h3>
      <p>{text}</p>
      <Button
        size="xs"
        variant="default"
        disabled={blocked !== null}
        aria-describedby={reason.describedBy}
        onClick={onClick}
      >
        {label}
      </Button>
      {reason.text}
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
            <span>{TABLE.download}</span>
            {TABLE_FORMATS.map((format) => (
              <Button
                key={format}
                size="compact-xs"
                variant="default"
                onClick={() =>
                  saveFile(`basin-table.${format}`, new Blob([exportTable(report, format)]), FORMAT_TYPES[format])
                }
              >
                {TABLE.formats[format]}
              </Button>
            ))}
          </div>
        </>
      )}
    </>
  );
}
