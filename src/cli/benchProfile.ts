/**
 * @file `basin bench --profile`: where the time of an AsFT step goes, operator by operator, and the kernels' sources as
 * they were compiled.
 */

import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describeDevice } from "../engine/device.ts";
import { BasinError } from "../base/error.ts";
import { BLOCKS_135M, type BenchSize, GPU_SIZES, SOFTWARE_SIZES } from "../experiment/measure/benchModels.ts";
import { type SourcedRow, kernelName, sourced } from "../experiment/measure/kernelSources.ts";
import { type StepProfile, profileStep } from "../experiment/measure/profileStep.ts";
import type { Quantization } from "../experiment/run/quantization.ts";
import { cliGpu } from "./gpu.ts";
import { log, printJson } from "./report.ts";
import { table } from "./table.ts";

const COLUMNS = ["operator", "kernel", "shape", "per step", "ms", "share", "GFLOP/s"] as const;

export interface ProfileOptions {
  readonly json?: boolean;
  /** Of the layers' matrices; they are bf16 unless given. */
  readonly quantization?: Quantization;
  /** Folder for the kernels' sources. */
  readonly wgsl?: string;
  readonly force?: boolean;
}

/** A profile whose rows name their kernel's text. */
type SourcedProfile = Omit<StepProfile, "profile"> & {
  readonly profile: Omit<StepProfile["profile"], "rows"> & { readonly rows: readonly SourcedRow[] };
};

const PROFILED_SOFTWARE: readonly BenchSize[] = [...SOFTWARE_SIZES.slice(0, 1), BLOCKS_135M];

/** @throws BasinError when the device has no timestamps, or the folder is not empty */
export async function printProfiles({
  json = false,
  quantization,
  wgsl,
  force = false,
}: ProfileOptions): Promise<void> {
  const folder = wgsl === undefined ? null : resolve(wgsl);
  if (folder !== null && !force && existsSync(folder) && readdirSync(folder).length > 0) {
    throw new BasinError({
      what: "The folder is not empty",
      where: folder,
      fix: "Choose another folder with --wgsl, or add --force to write into it.",
    });
  }
  const { gpu } = await cliGpu();
  const measured: StepProfile[] = [];
  for (const size of gpu.adapter.software ? PROFILED_SOFTWARE : GPU_SIZES) {
    log(`profiling ${size.name}`);
    measured.push(await profileStep(gpu, size, { method: "asft", quantization: quantization ?? null }));
  }
  const { rows, sources } = sourced(measured.flatMap(({ profile }) => profile.rows));
  let taken = 0;
  const profiles = measured.map((one): SourcedProfile => {
    const own = rows.slice(taken, taken + one.profile.rows.length);
    taken += own.length;
    return { ...one, profile: { ...one.profile, rows: own } };
  });
  if (folder !== null) {
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of Object.entries(sources)) writeFileSync(join(folder, name), text);
    log(`wrote the sources of ${Object.keys(sources).length} kernels to ${folder}`);
  }
  const device = describeDevice(gpu);
  if (json)
    printJson({ device, software: gpu.adapter.software, quantization: quantization ?? null, profiles, sources });
  else process.stdout.write(`${device}\n${profiles.map((one) => profileTable(one, folder !== null)).join("")}`);
  gpu.destroy();
}

/** Rows below this share are summed up. */
const SMALL_SHARE = 0.005;

/** @param whole every row, with the file that holds its kernel */
function profileTable({ size, tokens, method, step, profile }: SourcedProfile, whole: boolean): string {
  const isShown = ({ share }: SourcedRow): boolean => whole || share >= SMALL_SHARE;
  const rest = profile.rows.filter((row) => !isShown(row));
  const rows = profile.rows
    .filter(isShown)
    .map((row) => [
      row.operator,
      kernelName(row),
      row.shape.join(" × "),
      ...figures([row]),
      row.gflops?.toFixed(row.gflops < 10 ? 2 : 0) ?? "",
      ...(whole ? [row.source] : []),
    ]);
  if (rest.length > 0) rows.push([`${rest.length} others`, "", "", ...figures(rest), ""]);
  const together =
    `all ${profile.dispatches} dispatches ${profile.sum.toFixed(1)} ms; the step ` +
    `untimed, as in training, ${step.median.toFixed(1)} ms`;
  return (
    `\n${size}, ${method}, ${tokens} tokens: ${together}\n` +
    `${table([...COLUMNS, ...(whole ? ["source"] : [])], rows)}`
  );
}

function figures(rows: readonly SourcedRow[]): string[] {
  const sum = (key: "count" | "ms" | "share"): number => rows.reduce((total, row) => total + row[key], 0);
  return [String(sum("count")), sum("ms").toFixed(2), `${(100 * sum("share")).toFixed(1)} %`];
}
