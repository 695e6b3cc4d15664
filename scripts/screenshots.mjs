/**
 * @file Takes the documentation's pictures from the built lab, with real runs: docs/lab-start.png, lab.png,
 * lab-runs.png, lab-data.png and lab-table.png.
 *
 *     npm run build && node scripts/screenshots.mjs [start run data table]     only these; all but table by default
 *
 * `run` trains the two runs of the first card (about a minute each on two CPU cores) for lab.png and lab-runs.png;
 * `table` trains the lambda sweep of 21 runs for lab-table.png, which takes half an hour there.
 */
import { join } from "node:path";
import { chromium } from "@playwright/test";
import { preview } from "vite";
import { ensureBrowser, root, say } from "./setup.mjs";

const MINUTES = 60_000;
const SIZE = { width: 1440, height: 900 };

/** Each picture: what to do in a lab that has just been opened, and what to save. */
const PICTURES = { start: pictureStart, run: pictureRuns, data: pictureData, table: pictureTable };

async function save(page, name) {
  await page.mouse.move(0, 0);
  await page.screenshot({ path: join(root, "docs", name), animations: "disabled" });
  say(`docs/${name}`);
}

function tab(page, name) {
  return page.getByRole("tab", { name: new RegExp(`^${name}(?![a-z])`) });
}

async function pictureStart(page) {
  await save(page, "lab-start.png");
}

/** Plain fine-tuning, then the same rows with AsFT: the first card's two buttons. */
async function pictureRuns(page) {
  for (const button of [0, 1]) {
    await tab(page, "Start").click();
    await page.getByTestId("start-area").getByRole("listitem").first().getByRole("button").nth(button).click();
    await page.locator("[data-testid=run-area][data-state=finished]").waitFor({ timeout: 10 * MINUTES });
  }
  await save(page, "lab.png");
  await tab(page, "Runs").click();
  await page.getByTestId("run-row").nth(1).waitFor();
  await save(page, "lab-runs.png");
}

/** The first preset of the settings: AsFT on 1000 rows. */
async function choosePreset(page) {
  await tab(page, "Run").click();
  await page.locator("[aria-labelledby=presets-label]").getByRole("button").first().click();
}

async function pictureData(page) {
  await choosePreset(page);
  await tab(page, "Data").click();
  await page.getByTestId("data-area").getByRole("row").nth(3).waitFor({ timeout: MINUTES });
  await save(page, "lab-data.png");
}

/** The lambda sweep, started with one click. */
async function pictureTable(page) {
  await choosePreset(page);
  await tab(page, "Table").click();
  await page.getByTestId("table-area").getByRole("button").first().click();
  await page.locator("[data-testid=table-queue][data-state=done]").waitFor({ timeout: 120 * MINUTES });
  await page.setViewportSize({ ...SIZE, height: 1250 });
  await save(page, "lab-table.png");
}

async function main() {
  const asked = process.argv.slice(2);
  const unknown = asked.find((name) => !(name in PICTURES));
  if (unknown !== undefined) throw new Error(`There is no picture ${unknown}: ${Object.keys(PICTURES).join(", ")}.`);
  const server = await preview({ root, preview: { port: 4321, open: false } });
  const browser = await chromium.launch({
    executablePath: ensureBrowser(),
    args: ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"],
  });
  try {
    for (const name of asked.length > 0 ? asked : ["start", "run", "data"]) {
      const context = await browser.newContext({ viewport: SIZE, reducedMotion: "reduce" });
      const page = await context.newPage();
      await page.goto(server.resolvedUrls?.local[0] ?? "http://localhost:4321/");
      await page.getByTestId("start-area").waitFor();
      await page.getByTestId("device-chip").filter({ hasNotText: "Opening" }).waitFor({ timeout: MINUTES });
      await PICTURES[name](page);
      await context.close();
    }
  } finally {
    await browser.close();
    await server.close();
  }
}

await main();
process.exit(0);
