/**
 * @file Format and lint of `python/` with ruff, which runs here as WebAssembly, so that no Python is needed.
 *
 *     node scripts/checkPython.mjs            names what is wrong; exit code 1 if anything is
 *     node scripts/checkPython.mjs --write    formats the files first
 */
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { PositionEncoding, Workspace } from "@astral-sh/ruff-wasm-nodejs";
import { root } from "./setup.mjs";

/** The Python files under `python/`, without those of a virtual environment. */
function pythonFiles() {
  return readdirSync(join(root, "python"), { recursive: true })
    .map((name) => `python/${name.replaceAll("\\", "/")}`)
    .filter((name) => name.endsWith(".py") && !name.includes("/."))
    .sort();
}

/** ruff's settings: what would stand in a ruff.toml. */
function options(files) {
  return {
    "line-length": 120,
    "target-version": "py310",
    lint: {
      // pycodestyle, pyflakes, import order, outdated syntax, likely bugs, comprehensions, simplifications.
      select: ["E", "W", "F", "I", "UP", "B", "C4", "SIM"],
      // `dict(a=1)` and `zip(a, b)` are used throughout, on purpose.
      ignore: ["C408", "B905"],
      isort: { "known-first-party": files.map((file) => basename(file, ".py")) },
    },
  };
}

const write = process.argv.includes("--write");
const files = pythonFiles();
const workspace = new Workspace(options(files), PositionEncoding.Utf16);
let problems = 0;
for (const file of files) {
  const path = join(root, file);
  const text = readFileSync(path, "utf8");
  const formatted = workspace.format(text);
  if (formatted !== text && write) writeFileSync(path, formatted);
  else if (formatted !== text) {
    process.stderr.write(`${file} is not formatted: node scripts/checkPython.mjs --write\n`);
    problems += 1;
  }
  for (const { code, message, start_location: at } of workspace.check(write ? formatted : text)) {
    process.stderr.write(`${file}:${at.row}:${at.column} ${code ?? "syntax"} ${message}\n`);
    problems += 1;
  }
}
process.stdout.write(`${files.length} Python files checked, ${problems} problems\n`);
process.exit(problems > 0 ? 1 : 0);
