/**
 * @file `basin tune`: measure which kernel is fastest for each matmul of a run on this device, and store the result
 * for later commands.
 */

import { dirname, resolve } from "node:path";
import { describeDevice } from "../engine/device.ts";
import { measureRoutes } from "../engine/routing/measure.ts";
import { limitsOf } from "../experiment/plan/deviceMemory.ts";
import { prepareEvaluation } from "../experiment/run/evaluation.ts";
import { forgetRoutes, identityOf, saveRoutes } from "../experiment/measure/kernelRoutes.ts";
import { planWithVerdict } from "../experiment/plan/planning.ts";
import { quantisedType } from "../experiment/run/quantization.ts";
import { type RouteRow, routeRows } from "../experiment/measure/routeRows.ts";
import { trainingExamples } from "../experiment/data/runData.ts";
import { collectRunMatmuls } from "../experiment/run/runKernels.ts";
import { loadTrainingRows } from "../experiment/data/safetyRows.ts";
import { resolveSpec } from "../experiment/spec/spec.ts";
import { parseSpecJson } from "../experiment/spec/specJson.ts";
import { openTrainedModel } from "../experiment/run/textModel.ts";
import { weightDTypes } from "../model/loadModel.ts";
import { nodeEnvironment, readText, systemMemory } from "./environment.ts";
import { PLATFORM, cliGpu } from "./gpu.ts";
import { log, printJson } from "./report.ts";
import { cacheFolder, routeFile, routeFiles } from "./routeFiles.ts";

export interface TuneOptions {
  /** Begin no further measurement after so many seconds. */
  readonly seconds: number;
  /** Ignore stored results and measure again. */
  readonly again?: boolean;
  /** Only delete stored results. */
  readonly forget?: boolean;
  readonly json?: boolean;
}

/** @param specPath an experiment; the demo's by default */
export async function tune(
  specPath: string | undefined,
  { seconds, again = false, forget = false, json = false }: TuneOptions,
): Promise<void> {
  const spec = specPath === undefined ? resolveSpec({}) : parseSpecJson(await readText(specPath), specPath);
  const { gpu } = await cliGpu();
  const store = routeFiles();
  try {
    if (again || forget) await forgetRoutes(gpu, store, PLATFORM);
    if (forget) return log("Deleted. Built-in choices apply.");
    const environment = nodeEnvironment(specPath === undefined ? process.cwd() : dirname(resolve(specPath)));
    const files = await openTrainedModel(environment, spec);
    const rows = await loadTrainingRows(spec, environment, files.config.vocabSize);
    const evaluation = await prepareEvaluation(spec, rows, files, environment);
    const { plan } = planWithVerdict(
      spec,
      files,
      trainingExamples(spec, rows, files),
      limitsOf(gpu, systemMemory()),
      evaluation.plan,
    );
    const dtypes = weightDTypes(files.config, files.checkpoint, files.name, quantisedType(spec.model));
    collectRunMatmuls(gpu, spec, plan, { config: files.config, dtype: (name) => dtypes.get(name) ?? "f32" });
    const met = gpu.router.pending.length;
    log(`${met} of this run's matmuls are not measured yet`);
    const { routes, left, ms } = await measureRoutes(gpu, { budgetMs: 1000 * seconds });
    const saved = await saveRoutes(gpu, store, PLATFORM);
    const file = routeFile(cacheFolder(), await identityOf(gpu, PLATFORM));
    if (json)
      printJson({
        device: describeDevice(gpu),
        measured: routes.length,
        left,
        seconds: ms / 1000,
        file: saved ? file : null,
        routes: routeRows(gpu.router.table),
      });
    else for (const line of routeLines(routeRows(gpu.router.table))) process.stdout.write(`${line}\n`);
    log(
      `measured ${routes.length} in ${(ms / 1000).toFixed(1)} ` +
        `s${left > 0 ? `, ${left} left: run the command again, or give more --seconds` : ""}`,
    );
    log(saved ? `saved in ${file}` : `could not be saved in ${file}: later commands use the built-in choices`);
  } finally {
    gpu.destroy();
  }
}

/** One line a product, columns aligned. */
export function routeLines(rows: readonly RouteRow[]): string[] {
  const columns = rows.map(({ product, dtype, kernel, ms, gflops, others }) => [
    product,
    dtype,
    kernel,
    `${ms.toPrecision(3)} ms`,
    `${gflops.toPrecision(3)} GFLOP/s`,
    others.map((other) => `${other.kernel} ${other.ms.toPrecision(3)} ms`).join(", "),
  ]);
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(0, ...columns.map((row) => row[column]?.length ?? 0)));
  return columns.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
