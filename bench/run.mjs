/**
 * @file `npm run bench`: builds the benchmark's page, opens it in Chromium, prints the tables as Markdown and writes everything as
 * JSON. The libraries that Basin is measured against are installed by `npm ci` in bench/; without them Basin runs alone.
 *
 *     npm run bench -- [--sections matmul,step,overhead,packing,decoding,evaluation,start] [--contenders basin-bf16,jax] [--repetitions 20] [--shapes 135m,360m,0.5b]
 *                      [--tokens 256] [--step-tokens 256,512] [--out FILE.json]
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "@playwright/test";
import { build, preview } from "vite";
import { findBrowser } from "../scripts/setup.mjs";
import { measureStart } from "./start.mjs";

const SECTIONS = ["matmul", "step", "overhead", "packing", "decoding", "evaluation", "start"];
const configFile = fileURLToPath(new URL("vite.config.ts", import.meta.url));

const { values } = parseArgs({
  options: {
    sections: { type: "string", default: SECTIONS.join(",") },
    contenders: { type: "string", default: "" },
    repetitions: { type: "string", default: "20" },
    shapes: { type: "string", default: "135m,360m,0.5b" },
    tokens: { type: "string", default: "256" },
    "step-tokens": { type: "string", default: "256,512" },
    out: { type: "string", default: "" },
    gpu: { type: "boolean", default: false },
  },
});
const list = (text) => text.split(",").map((part) => part.trim()).filter((part) => part !== "");
const options = {
  sections: list(values.sections),
  contenders: list(values.contenders),
  repetitions: Number(values.repetitions),
  shapes: list(values.shapes),
  tokens: Number(values.tokens),
  stepTokens: list(values["step-tokens"]).map(Number),
};
const unknown = options.sections.find((name) => !SECTIONS.includes(name));
if (unknown !== undefined) throw new Error(`There is no section ${unknown}; there are ${SECTIONS.join(", ")}.`);

/** Loading the lab takes seconds each time. */
const STARTS = 5;
const say = (line) => process.stderr.write(`${line}\n`);

const executablePath = findBrowser();
if (!executablePath) throw new Error("No Chromium or Chrome was found. Install one, or name it in CHROME_PATH.");
await build({ configFile });
const server = await preview({ configFile, preview: { port: 0, open: false } });
const args = ["--enable-unsafe-webgpu", ...(values.gpu ? ["--enable-features=Vulkan", "--ignore-gpu-blocklist"] : ["--use-webgpu-adapter=swiftshader"])];
const browser = await chromium.launch({ executablePath, args });
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(0);
  page.on("pageerror", (error) => process.stderr.write(`${error.stack ?? error}\n`));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") process.stderr.write(`${message.text()}\n`);
  });
  await page.exposeFunction("benchProgress", say);
  await page.goto(server.resolvedUrls.local[0]);
  await page.waitForFunction("window.basinBench !== undefined");
  const report = await page.evaluate(`window.basinBench(${JSON.stringify({ ...options, sections: options.sections.filter((name) => name !== "start") })})`);
  const start = options.sections.includes("start") ? await measureStart(browser, await page.evaluate("window.basinDemoLink()"), Math.min(options.repetitions, STARTS), say) : [];
  const who = report.contenders.map(({ name, version }) => `${name} ${version}`).join(", ");
  const absent = report.refused.map(({ name, refused }) => `- ${name} takes no part: ${refused}\n`).join("");
  const startLine = start.length > 0 ? `## Start\n\n${await page.evaluate(`window.basinStartLine(${JSON.stringify(start)})`)}\n` : "";
  process.stdout.write(`# Benchmark\n\n${report.device}; Chromium ${browser.version()}; ${report.options.repetitions} repetitions, interleaved; ${report.date}.\n${who}\n${absent}\n${report.markdown}\n${startLine}`);
  if (values.out !== "") writeFileSync(values.out, `${JSON.stringify({ ...report, start, browser: browser.version() }, null, 1)}\n`);
} finally {
  await browser.close();
  await new Promise((resolve) => server.httpServer.close(resolve));
}
