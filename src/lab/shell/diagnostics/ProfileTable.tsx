/** @file Operators of a step by time, one row each, with a button that shows the kernel's source. */
import { useState, type JSX } from "react";
import { kernelName, type SourcedRow } from "../../../experiment/measure/kernelSources.ts";
import type { DeviceProfile } from "../../worker/deviceReport.ts";
import { LinkButton } from "../../ui/buttons.tsx";
import { PROFILE } from "./copy.ts";
import { KernelSource } from "./KernelSource.tsx";
import css from "./profile.module.css";
import site from "./diagnostics.module.css";

/** Number of rows shown at first; the others are summed in one row. */
const SHOWN = 10;

export function ProfileTable({ profile }: { readonly profile: DeviceProfile }): JSX.Element {
  const { size, tokens, stepMs, sumMs, dispatches, rows, sources } = profile;
  const [all, showAll] = useState(false);
  const [opened, open] = useState<SourcedRow | null>(null);
  const shown = all ? rows : rows.slice(0, SHOWN);
  const rest = all ? [] : rows.slice(SHOWN);
  return (
    <div className={css.result}>
      <p className={site.quiet}>{PROFILE.summary(size, tokens, dispatches, sumMs.toFixed(1), stepMs.toFixed(1))}</p>
      {/* Explicit roles: in a narrow window the rows are grids, which removes the table's implicit ones. */}
      <table className={css.profile} role="table">
        <thead role="rowgroup">
          <tr role="row">
            {PROFILE.columns.map((name) => (
              <th key={name} role="columnheader" scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {shown.map((row, index) => (
            <tr key={index} role="row">
              <th role="rowheader" scope="row">
                {row.operator}
              </th>
              <td role="cell">{row.shape.join(" × ")}</td>
              <td role="cell">
                <LinkButton label={PROFILE.source(kernelName(row))} opens="dialog" onClick={() => open(row)}>
                  {kernelName(row)}
                </LinkButton>
              </td>
              <Figures rows={[row]} gflops={row.gflops} />
            </tr>
          ))}
          {rest.length > 0 && (
            <tr role="row">
              <th role="rowheader" scope="row">
                {PROFILE.others(rest.length)}
              </th>
              <td role="cell" />
              <td role="cell">
                <LinkButton onClick={() => showAll(true)}>{PROFILE.showAll}</LinkButton>
              </td>
              <Figures rows={rest} gflops={undefined} />
            </tr>
          )}
        </tbody>
      </table>
      {opened !== null && <KernelSource row={opened} wgsl={sources[opened.source] ?? ""} onClose={() => open(null)} />}
    </div>
  );
}

interface FiguresProps {
  readonly rows: readonly SourcedRow[];
  readonly gflops: number | undefined;
}

function Figures({ rows, gflops }: FiguresProps): JSX.Element {
  const sum = (key: "count" | "ms" | "share"): number => rows.reduce((total, row) => total + row[key], 0);
  return (
    <>
      <td role="cell">{sum("count")}</td>
      <td role="cell">{sum("ms").toFixed(2)}</td>
      <td role="cell">{(100 * sum("share")).toFixed(1)} %</td>
      <td role="cell">{gflops?.toFixed(gflops < 10 ? 2 : 0)}</td>
    </>
  );
}
