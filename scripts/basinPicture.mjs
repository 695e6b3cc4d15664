/**
 * @file The picture at the top of the README: the basin of the bundled pair before and after SFT and AsFT.
 *
 *     node scripts/basinPicture.mjs        several minutes without a GPU; interrupted, it continues where it was
 *
 * Trains both (examples/basin), moves the model over the plane of each update and the alignment direction, and writes
 * docs/basin-sft.svg and docs/basin-asft.svg. Everything else is in runs/basin.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");

/** @param {readonly string[]} args */
function basin(args) {
  const { status } = spawnSync(process.execPath, [join(ROOT, "bin/basin.mjs"), ...args], {
    cwd: ROOT,
    stdio: "inherit",
  });
  if (status !== 0) process.exit(status ?? 1);
}

for (const name of ["sft", "asft"]) {
  const run = join("runs/basin", name);
  mkdirSync(join(ROOT, run), { recursive: true });
  if (!existsSync(join(ROOT, run, "adapter"))) basin(["run", `examples/basin/${name}.json`, "--out", run, "--resume"]);
  basin(["landscape", `examples/basin/${name}Plane.json`, "--out", `${run}-plane`, "--resume"]);
  copyFileSync(join(ROOT, `${run}-plane/plane.svg`), join(ROOT, `docs/basin-${name}.svg`));
}
