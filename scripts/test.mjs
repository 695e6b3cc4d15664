/**
 * @file `npm test`: installs what is missing, then format, lint, Python's format and lint, types, unit, GPU, build and
 * end-to-end tests, one after the other. Stops at the first stage that fails, with its exit code. The last line is
 * "N passed, N failed".
 *
 *     node scripts/test.mjs [stage …]        only these stages, such as: node scripts/test.mjs lint unit
 */
import { spawnSync } from "node:child_process";
import { createServer } from "node:net";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildCli } from "./buildCli.mjs";
import { ensureBrowser, ensureFirefox, ensureGraphics, installPackages, packageProgram, root, say } from "./setup.mjs";

const reports = mkdtempSync(join(tmpdir(), "basin-test-"));
const node = (program, ...args) => [process.execPath, [packageProgram(program), ...args]];
const vitest = (project) =>
  node(
    "vitest/vitest.mjs",
    "run",
    "--project",
    project,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${join(reports, `${project}.json`)}`,
  );

const stages = [
  { name: "format", command: node("@biomejs/biome/bin/biome", "format", ".") },
  { name: "lint", command: node("eslint/bin/eslint.js", ".") },
  { name: "python", command: [process.execPath, ["scripts/checkPython.mjs"]] },
  { name: "types", command: node("typescript/bin/tsc", "--noEmit") },
  { name: "unit", command: vitest("unit"), report: "unit.json" },
  { name: "gpu", command: vitest("gpu"), report: "gpu.json" },
  { name: "build", command: node("vite/bin/vite.js", "build") },
  { name: "e2e", command: node("@playwright/test/cli.js", "test", "--reporter=list,json"), report: "e2e.json" },
];

/** Tests counted from a report of vitest or of Playwright. */
function count(file) {
  if (!existsSync(file)) return { passed: 0, failed: 0, skipped: 0 };
  const report = JSON.parse(readFileSync(file, "utf8"));
  if (report.stats)
    return {
      passed: report.stats.expected + report.stats.flaky,
      failed: report.stats.unexpected,
      skipped: report.stats.skipped,
    };
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/**
 * A port that is free now, for the page under test: a fixed one may be taken by a server that somebody left running.
 */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "localhost", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(0)} s`;
}

async function main() {
  const wanted = process.argv.slice(2);
  const unknown = wanted.find((name) => !stages.some((stage) => stage.name === name));
  if (unknown !== undefined)
    throw new Error(`There is no stage ${unknown}; there are ${stages.map(({ name }) => name).join(", ")}.`);
  const chosen = stages.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  const began = performance.now();
  installPackages();
  const needs = (...names) => chosen.some(({ name }) => names.includes(name));
  const env = {
    ...process.env,
    PLAYWRIGHT_JSON_OUTPUT_NAME: join(reports, "e2e.json"),
    BASIN_E2E_PORT: process.env.BASIN_E2E_PORT ?? String(await freePort()),
  };

  if (needs("unit", "gpu", "e2e")) {
    await buildCli();
    const browser = ensureBrowser();
    say(`Browser: ${browser}`);
    const software = ensureGraphics(browser);
    if (needs("e2e")) ensureFirefox();
    // ensureGraphics may have pointed this process at a driver; children inherit that.
    Object.assign(env, process.env, {
      BASIN_E2E_PORT: env.BASIN_E2E_PORT,
      CHROME_PATH: browser,
      BASIN_SOFTWARE_GPU: software ? "1" : "0",
    });
  }
  const lines = [`  ${"setup".padEnd(6)} ${seconds(began)}`];
  const total = { passed: 0, failed: 0, skipped: 0 };
  let exitCode = 0;
  for (const {
    name,
    command: [program, args],
    report,
  } of chosen) {
    say(`\n== ${name}`);
    const started = performance.now();
    const result = spawnSync(program, args, { stdio: "inherit", cwd: root, env });
    exitCode = result.status ?? 1;
    const counts = report ? count(join(reports, report)) : undefined;
    for (const key of Object.keys(total)) total[key] += counts?.[key] ?? 0;
    const tests = counts
      ? `, ${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ""}`
      : "";
    lines.push(`  ${name.padEnd(6)} ${seconds(started)}${exitCode === 0 ? "" : ", FAILED"}${tests}`);
    if (exitCode !== 0) break;
  }
  say(
    `\n${lines.join("\n")}\n  ${"all".padEnd(6)} ` +
      `${seconds(began)}${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`,
  );
  say(`${total.passed} passed, ${total.failed} failed`);
  return exitCode;
}

let code = 1;
try {
  code = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
} finally {
  rmSync(reports, { recursive: true, force: true });
}
process.exit(code);
