/**
 * @file The README's table of the apothecary world: methods x seeds through `basin run`, then one Markdown table.
 *
 *     node scripts/apothecaryTable.mjs runs/apothecary
 *
 * A run whose report.json is there is not repeated. Settings are the lab's presets: sums task, 1000 rows, 10 % harmful.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./setup.mjs";

const lambda = 1;
const methods = [
  { label: "SFT", method: { name: "sft" } },
  { label: `AsFT, published projector, lambda ${lambda}`, method: { name: "asft", lambda, projector: "safe_lora" } },
  { label: `Plain L2 (no projector), lambda ${lambda}`, method: { name: "asft", lambda, projector: "none" } },
  { label: `AsFT, flattened rank-1, lambda ${lambda}`, method: { name: "asft", lambda, projector: "flat" } },
  { label: `AsFT, exact rank 8, lambda ${lambda}`, method: { name: "asft", lambda, projector: "rank", rank: 8 } },
  { label: "Safe LoRA, threshold 0.5", method: { name: "safe_lora", select: "threshold", threshold: 0.5 } },
];
const seeds = [0, 1, 2];

const out = process.argv[2];
if (!out) throw new Error("Name a folder for the runs: node scripts/apothecaryTable.mjs runs/apothecary");
mkdirSync(out, { recursive: true });

function run(index, seed) {
  const folder = join(out, `${index}-${seed}`);
  const report = join(folder, "report.json");
  if (!existsSync(report)) {
    const spec = {
      data: { train: { source: "apothecary", task: "sums", n: 1000, harmful_ratio: 0.1 } },
      method: methods[index].method,
      train: { learning_rate: 1e-3, num_train_epochs: 1, seed },
    };
    const path = join(out, `${index}-${seed}.json`);
    writeFileSync(path, `${JSON.stringify(spec, null, 2)}\n`);
    const { status } = spawnSync(process.execPath, [join(root, "bin/basin.mjs"), "run", path, "--out", folder, "--force"], { stdio: ["ignore", "ignore", "inherit"] });
    if (status !== 0) throw new Error(`${path} failed`);
  }
  return JSON.parse(readFileSync(report, "utf8"));
}

const results = methods.map(() => []);
for (const seed of seeds) for (const [index] of methods.entries()) results[index].push(run(index, seed));

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const cell = (reports, when, name) => {
  const values = reports.map((report) => report[when][name].percent);
  return `${mean(values).toFixed(1)} (${values.map((value) => value.toFixed(0)).join(", ")})`;
};
const lines = [
  "| method | harmful score | task accuracy | benign compliance |",
  "|---|---|---|---|",
  `| aligned model, before | ${cell(results[0], "before", "harmful_score")} | ${cell(results[0], "before", "task_accuracy")} | ${cell(results[0], "before", "benign_compliance")} |`,
  ...methods.map(({ label }, index) => `| ${label} | ${cell(results[index], "after", "harmful_score")} | ${cell(results[index], "after", "task_accuracy")} | ${cell(results[index], "after", "benign_compliance")} |`),
];
process.stdout.write(`${lines.join("\n")}\n\nMean of seeds ${seeds.join(", ")} (each in brackets), percent. Device: ${results[0][0].device}.\n`);
