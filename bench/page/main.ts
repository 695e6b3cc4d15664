/** @file The page that `npm run bench` drives: opens the contenders on one adapter and measures section by section. */

import { contenders as registry, missing } from "virtual:contenders";
import type { Contender, Refusal } from "../contenders/contender.ts";
import type { BenchOptions, BenchReport } from "../report/report.ts";
import { encodeLink } from "../../src/experiment/link.ts";
import { spreadOf } from "../../src/experiment/measure/spread.ts";
import { presets } from "../../src/experiment/presets.ts";
import { resolveSpec } from "../../src/experiment/spec.ts";
import { startLine } from "../report/tables.ts";
import { runSections } from "../sections/run.ts";

declare global {
  interface Window {
    /** Runs the sections; `onProgress` gets a line now and then. */
    basinBench?: (options: BenchOptions) => Promise<BenchReport>;
    /** Fragment of the lab's address that is the demo's experiment without evaluations. */
    basinDemoLink?: () => string;
    /** From the times of opening the lab, ms. */
    basinStartLine?: (times: readonly number[]) => string;
    /** Given by the driver. */
    benchProgress?: (line: string) => void;
  }
}

function say(line: string): void {
  const state = document.querySelector("#state");
  if (state) state.textContent = line;
  window.benchProgress?.(line);
}

async function open(names: readonly string[]): Promise<{ contenders: Contender[]; refused: Refusal[] }> {
  const contenders: Contender[] = [];
  const refused: Refusal[] = [];
  for (const name of names) {
    const load = registry[name];
    if (!load) {
      refused.push({ name, version: "", refused: missing.includes(name) ? "not installed (npm ci in bench/)" : `no such contender; there are ${Object.keys(registry).join(", ")}` });
      continue;
    }
    say(`opening ${name}`);
    const opened = await (await load())(navigator.gpu);
    if ("refused" in opened) refused.push(opened);
    else contenders.push(opened);
  }
  return { contenders, refused };
}

window.basinBench = async (options) => {
  const { contenders, refused } = await open(options.contenders.length > 0 ? options.contenders : [...Object.keys(registry), ...missing]);
  try {
    const report = await runSections(navigator.gpu, contenders, refused, options, say);
    const tables = document.querySelector("#tables");
    if (tables) tables.textContent = report.markdown;
    say("Done.");
    return report;
  } finally {
    for (const contender of contenders) contender.destroy();
  }
};

window.basinDemoLink = () => encodeLink(resolveSpec({ ...presets[0]?.spec, eval: { harmful: null, task: null, benign: null } }));
window.basinStartLine = (times) => startLine(spreadOf(times));
