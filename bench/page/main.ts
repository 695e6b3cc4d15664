/** @file The page that `npm run bench` drives: opens the contenders on one adapter and measures section by section. */

import { contenders, missing } from "virtual:contenders";
import { encodeLink } from "../../src/experiment/share/link.ts";
import { spreadOf } from "../../src/experiment/measure/spread.ts";
import { presets } from "../../src/experiment/spec/presets.ts";
import { resolveSpec } from "../../src/experiment/spec/spec.ts";
import { openCheckpoint } from "../../src/weights/checkpoint.ts";
import { openDescriptor } from "../../src/weights/descriptor.browser.ts";
import { openContenders } from "../contenders/open.ts";
import { type Ask, pytorchContenders } from "../pytorch/contender.ts";
import type { BenchOptions, BenchReport } from "../report/report.ts";
import { startLine } from "../report/tables.ts";
import { runSections } from "../sections/run.ts";

declare global {
  interface Window {
    /** Runs the sections. */
    basinBench?: (options: BenchOptions) => Promise<BenchReport>;
    /** Fragment of the lab's address that is the demo's experiment without evaluations. */
    basinDemoLink?: () => string;
    /** From the times of opening the lab, ms. */
    basinStartLine?: (times: readonly number[]) => string;
    /** Given by the driver: a line of progress. */
    benchProgress?: (line: string) => void;
    /** Given by the driver: the report so far. */
    benchSave?: (report: BenchReport) => Promise<void>;
    /** Given by the driver where there is a Python: questions to PyTorch's process. */
    benchPytorch?: Ask;
  }
}

function say(line: string): void {
  const state = document.querySelector("#state");
  if (state) state.textContent = line;
  window.benchProgress?.(line);
}

window.basinBench = async (options) => {
  const { benchPytorch } = window;
  const registry = { contenders: { ...contenders, ...(benchPytorch ? pytorchContenders(benchPytorch) : {}) }, missing };
  const opened = await openContenders(navigator.gpu, registry, options.contenders, say);
  const home = new URL("./", location.href).href;
  try {
    const report = await runSections(
      {
        api: navigator.gpu,
        platform: navigator.userAgent,
        openModel: (name, signal) =>
          openCheckpoint(
            openDescriptor({ kind: "url", base: new URL(`models/${name}/`, home).href, name }),
            signal ? { signal } : {},
          ),
        say,
        save: (report) => window.benchSave?.(report),
      },
      opened.contenders,
      opened.refused,
      options,
    );
    const tables = document.querySelector("#tables");
    if (tables) tables.textContent = report.markdown;
    say("Done.");
    return report;
  } finally {
    for (const contender of opened.contenders) contender.destroy();
  }
};

window.basinDemoLink = () =>
  encodeLink(resolveSpec({ ...presets[0]?.spec, eval: { harmful: null, task: null, benign: null } }));
window.basinStartLine = (times) => startLine(spreadOf(times));
