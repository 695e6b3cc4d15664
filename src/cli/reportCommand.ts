/** @file `basin report`: the folders of runs as one HTML file, the same as the lab writes. */
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { BasinError } from "../base/error.ts";
import type { EvaluatedAnswer } from "../eval/evaluate.ts";
import type { RunReport, StepMetrics } from "../experiment/run/events.ts";
import { encodeLink } from "../experiment/share/link.ts";
import { htmlReport } from "../experiment/report/htmlReport.ts";
import type { ModuleQuantity, ModuleRecord } from "../experiment/run/observations.ts";
import type { ReportRun } from "../experiment/report/reportRun.ts";
import { parseSpecJson } from "../experiment/spec/specJson.ts";
import { packageVersion } from "./paths.ts";
import { log } from "./report.ts";

export interface ReportOptions {
  readonly out: string;
  readonly samples: number;
  readonly page?: string;
  readonly force?: boolean;
}

/** @throws BasinError for a folder that holds no run, or a file that is there already */
export async function reportRuns(
  folders: readonly string[],
  { out, samples, page, force = false }: ReportOptions,
): Promise<void> {
  const target = resolve(out);
  if (existsSync(target) && !force)
    throw new BasinError({
      what: "The file already exists",
      where: target,
      fix: "Choose another file with --out, or add --force to overwrite it.",
    });
  const runs = folders.map(readRun);
  const linkOf = ({ spec }: ReportRun): string =>
    page === undefined ? encodeLink(spec) : `${page.split("#")[0] ?? page}#${encodeLink(spec)}`;
  writeFileSync(target, await htmlReport(runs, { madeAt: Date.now(), basin: packageVersion, samples, linkOf }));
  log(`${runs.length === 1 ? "one run" : `${runs.length} runs`} -> ${target}`);
}

/** A run's folder (runCommand.ts). An interrupted run has no report; it is read as failed. */
export function readRun(folder: string): ReportRun {
  const specPath = join(folder, "spec.json");
  if (!existsSync(specPath))
    throw new BasinError({
      what: "This folder contains no run: spec.json is missing",
      where: resolve(folder),
      fix: "Give the folder that `basin run SPEC.json --out DIR` wrote.",
    });
  const spec = parseSpecJson(readFileSync(specPath, "utf8"), specPath);
  const steps = lines<StepMetrics>(join(folder, "metrics.jsonl"));
  const sets = new Map<string, { when: string; step: number; answers: EvaluatedAnswer[] }>();
  for (const { when, step, ...answer } of lines<EvaluatedAnswer & { when: string; step: number }>(
    join(folder, "answers.jsonl"),
  )) {
    const key = `${when} ${step}`;
    const set = sets.get(key) ?? { when, step, answers: [] };
    set.answers.push(answer);
    sets.set(key, set);
  }
  const path = join(folder, "report.json");
  const modules = readModules(join(folder, "modules.jsonl"));
  const common = {
    runId: basename(resolve(folder)),
    spec,
    steps,
    answers: [...sets.values()],
    ...(modules === null ? {} : { modules }),
  };
  if (!existsSync(path)) {
    const failure = {
      what: "There is no report.json: the run failed, was interrupted or is still running",
      where: resolve(folder),
      fix: "Resume it with --resume.",
    };
    return { ...common, endedAt: null, evaluations: [], ending: { kind: "failed", failure, lastStep: steps.length } };
  }
  const report = JSON.parse(readFileSync(path, "utf8")) as RunReport;
  const evaluations: ReportRun["evaluations"] = [
    { when: "before", step: 0, scores: report.before },
    { when: "after", step: report.steps, scores: report.after },
  ];
  return { ...common, endedAt: statSync(path).mtimeMs, evaluations, ending: { kind: "finished", report } };
}

/** modules.jsonl; null for runs of earlier versions and for methods that report no modules. */
function readModules(path: string): ModuleRecord | null {
  const records = lines<{ step: number; quantity: ModuleQuantity; modules: Record<string, number> }>(path);
  const [first] = records;
  if (first === undefined) return null;
  const paths = Object.keys(first.modules);
  return {
    quantity: first.quantity,
    paths,
    columns: records.map(({ step, modules }) => ({ step, values: paths.map((name) => modules[name] ?? 0) })),
  };
}

/** The whole lines of a JSON Lines file; the last one may have been cut off when its process died. */
function lines<T>(path: string): T[] {
  if (!existsSync(path)) return [];
  const whole = readFileSync(path, "utf8").split("\n").slice(0, -1);
  return whole.flatMap((line, i) => {
    if (line === "") return [];
    try {
      return [JSON.parse(line) as T];
    } catch (cause) {
      throw new BasinError({
        what: "A line of the run’s files is not JSON",
        where: `${path} line ${i + 1}`,
        fix: "The file is damaged. Run the experiment again.",
        cause,
      });
    }
  });
}
