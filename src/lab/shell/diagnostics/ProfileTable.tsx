/** @file Operators of a step by what they take: one row each, whose kernel's text is one click away. */
import { useState, type JSX } from "react";
import { kernelName, type SourcedRow } from "../../../experiment/measure/kernelSources.ts";
import type { DeviceProfile } from "../../worker/deviceReport.ts";
import { KernelSource } from "./KernelSource.tsx";
import css from "./profile.module.css";
import site from "./diagnostics.module.css";

/** Rows that are listed at first; the others are summed up. */
const SHOWN = 10;

export function ProfileTable({
  profile: { size, tokens, stepMs, sumMs, dispatches, rows, sources },
}: {
  readonly profile: DeviceProfile;
}): JSX.Element {
  const [all, showAll] = useState(false);
  const [opened, open] = useState<SourcedRow | null>(null);
  const shown = all ? rows : rows.slice(0, SHOWN);
  const rest = all ? [] : rows.slice(SHOWN);
  return (
    <div className={css.result}>
      <p className={site.quiet}>
        An AsFT step of a model of {size}, {tokens} tokens: {dispatches} dispatches take {sumMs.toFixed(1)} ms by the
        device’s own clock, the step as in training {stepMs.toFixed(1)} ms. A kernel’s name opens its source.
      </p>
      {/* Roles by hand: in a narrow window rows are laid out as grids, which takes the table's own away. */}
      <table className={css.profile} role="table">
        <thead role="rowgroup">
          <tr role="row">
            {["Operator", "Shape", "Kernel", "Times", "ms", "Share", "GFLOP/s"].map((name) => (
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
                <button
                  type="button"
                  className={site.plain}
                  aria-label={`${kernelName(row)}: source`}
                  aria-haspopup="dialog"
                  onClick={() => open(row)}
                >
                  {kernelName(row)}
                </button>
              </td>
              <Figures rows={[row]} gflops={row.gflops} />
            </tr>
          ))}
          {rest.length > 0 && (
            <tr role="row">
              <th role="rowheader" scope="row">
                {rest.length} others
              </th>
              <td role="cell" />
              <td role="cell">
                <button type="button" className={site.plain} onClick={() => showAll(true)}>
                  Show them
                </button>
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

function Figures({
  rows,
  gflops,
}: {
  readonly rows: readonly SourcedRow[];
  readonly gflops: number | undefined;
}): JSX.Element {
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
