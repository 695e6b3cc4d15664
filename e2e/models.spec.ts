/**
 * @file Models from elsewhere: a pair of folders, an address, the hub (a local server with its interface); what is kept
 * in the browser, offline, and removed. The models are the bundled pair under other names.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { expect, test, type Page } from "@playwright/test";
import { HubServer } from "../tests/weights/hubServer.ts";
import { MisbehavingServer } from "../tests/weights/misbehavingServer.ts";
import { leaveStart, openLab, runToEnd, writeSpec } from "./support.ts";

const ALIGNED = "public/models/apothecary-aligned";
const BASE = "public/models/apothecary-base";

function filesOf(folder: string, prefix = ""): Record<string, Uint8Array> {
  return Object.fromEntries(
    readdirSync(folder).map((name) => [prefix + name, new Uint8Array(readFileSync(join(folder, name)))]),
  );
}

/** Three AsFT steps on a few rows, without evaluation. */
const threeSteps = (model?: Readonly<Record<string, unknown>>): Record<string, unknown> => ({
  ...(model === undefined ? {} : { model }),
  data: { train: { source: "apothecary", task: "topic", n: 24, harmful_ratio: 0.1 } },
  method: { name: "asft", lambda: 1 },
  train: { max_steps: 3 },
  eval: { harmful: null, task: null, benign: null },
});

async function form(page: Page): Promise<void> {
  await page.getByText("Form", { exact: true }).click();
  await page.getByRole("button", { name: "Choose other models" }).click();
}

/** Drops folders of this computer into the middle of an element, as a user does. */
async function drop(page: Page, target: string, folders: readonly string[]): Promise<void> {
  const box = await page.getByTestId(target).boundingBox();
  if (box === null) throw new Error(`${target} is not visible`);
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: [...folders], dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"] as const)
    await session.send("Input.dispatchDragEvent", { type, x: box.x + box.width / 2, y: box.y + 40, data });
}

test("two dropped folders are a pair, a folder that holds one is too, and it trains", async ({ page }, info) => {
  const pair = info.outputPath("pair");
  for (const [from, name] of [
    [ALIGNED, "tiny-instruct"],
    [BASE, "tiny-base"],
  ] as const) {
    mkdirSync(join(pair, name), { recursive: true });
    cpSync(from, join(pair, name), { recursive: true });
  }
  await openLab(page);
  await writeSpec(page, threeSteps());
  await form(page);
  await drop(
    page,
    "model-fields",
    ["tiny-base", "tiny-instruct"].map((name) => join(pair, name)),
  );
  await expect(page.getByTestId("facts-aligned")).toContainText("Llama");
  await expect(page.getByRole("combobox", { name: "Aligned model: chosen folder", exact: true })).toHaveValue(
    "tiny-instruct",
  );
  await page.getByRole("button", { name: "Bundled", exact: true }).click();
  await page.getByTestId("model-unaligned").getByText("Folder", { exact: true }).click();
  await page.getByLabel("Folder of the unaligned model").setInputFiles(pair);
  for (const role of ["aligned", "unaligned"]) {
    await expect(page.getByTestId(`facts-${role}`)).toContainText("Llama");
    await expect(page.getByTestId(`facts-${role}`)).toContainText("parameters");
  }
  await expect(page.getByTestId("twin-cost")).toContainText(/Reads .*KiB of /);
  await runToEnd(page);
  await expect(page.getByText(/Read from the unaligned model/)).toBeVisible();
  await page.getByText("JSON", { exact: true }).click();
  expect(JSON.parse(await page.getByLabel("The spec as JSON").inputValue())).toMatchObject({
    model: { aligned: "folder:tiny-instruct", unaligned: "folder:tiny-base" },
  });
});

test("an address; a family that is not supported; a load that is cancelled", async ({ page, baseURL }) => {
  const strange = {
    ...filesOf(ALIGNED),
    "config.json": new TextEncoder().encode(JSON.stringify({ model_type: "mamba" })),
  };
  const server = await MisbehavingServer.start(
    { ...prefixed("good/", filesOf(ALIGNED)), ...prefixed("strange/", strange) },
    { cors: true },
  );
  try {
    await openLab(page);
    await writeSpec(page, threeSteps());
    await form(page);
    const twin = page.getByTestId("model-unaligned");
    await twin.getByText("URL", { exact: true }).click();
    await twin.getByLabel("Unaligned model: URL of the folder").fill(`${server.base}/strange/`);
    await page.keyboard.press("Enter");
    await expect(page.getByTestId("facts-unaligned")).toContainText(
      'Not supported: The model family "mamba" is not supported',
    );
    await twin.getByLabel("Unaligned model: URL of the folder").fill(`${baseURL ?? ""}models/apothecary-base/`);
    await page.keyboard.press("Enter");
    await expect(page.getByTestId("facts-unaligned")).toContainText("Llama");
    const aligned = page.getByTestId("model-aligned");
    await aligned.getByText("URL", { exact: true }).click();
    await aligned.getByLabel("Aligned model: URL of the folder").fill(`${server.base}/good/`);
    await page.keyboard.press("Enter");
    await expect(page.getByTestId("facts-aligned")).toContainText("with tokenizer");
    const start = page.getByRole("button", { name: "Start the run" });
    await expect(start).toBeEnabled({ timeout: 60_000 });
    server.manner = ({ path, range }) =>
      path.endsWith(".safetensors") && (range?.[0] ?? 0) > 0 ? { kind: "stall", after: 100_000 } : { kind: "well" };
    await start.click();
    const line = page.getByTestId("run-line");
    await expect(line).toContainText(/KiB of .*MiB|MiB of .*MiB/);
    await expect(page.getByTestId("transfers")).toContainText("model.safetensors");
    await line.getByRole("button", { name: "Cancel" }).click();
    await expect(line).toHaveCount(0);
    await expect(start).toBeEnabled();
  } finally {
    await server.stop();
  }
});

test("a pair of the hub: fetched in part, kept, used without a network, removed", async ({ page }) => {
  const hub = await HubServer.start({
    "tiny/model-instruct": { files: filesOf(ALIGNED), access: "open" },
    "tiny/model": { files: filesOf(BASE), access: "open" },
  });
  // As the hub lets pages of other origins read them.
  hub.interfere = (_, response) => {
    response.setHeader("access-control-expose-headers", "Link, Content-Range, ETag, X-Error-Code");
    return false;
  };
  try {
    page.on("pageerror", (error) => {
      throw error;
    });
    await page.goto(`./?hubUrl=${encodeURIComponent(hub.base)}`);
    await leaveStart(page);
    await writeSpec(page, threeSteps());
    await form(page);
    for (const [role, label, repo] of [
      ["aligned", "Aligned model", "tiny/model-instruct"],
      ["unaligned", "Unaligned model", "tiny/model"],
    ] as const) {
      await page.getByTestId(`model-${role}`).getByText("Hub", { exact: true }).click();
      await page.getByLabel(`${label}: Hub ID`).fill(repo);
      await page.getByLabel(`${label}: Hub ID`).press("Enter");
      if (role === "aligned") await page.getByRole("button", { name: /^Load from/ }).click();
      await expect(page.getByTestId(`facts-${role}`)).toContainText("Llama");
    }
    await expect(page.getByTestId("twin-cost")).toBeVisible();
    const storage = page.getByTestId("storage");
    await test.step("two tabs store the same pieces at once", async () => {
      await expect(page).toHaveURL(/#x=/);
      await storage.locator("summary").click();
      await expect(page.getByTestId("stored-model")).toHaveCount(2);
      // A read that was under way keeps its piece after the removal.
      await expect(async () => {
        await page.getByRole("button", { name: "Remove all" }).click({ timeout: 1000 });
        await expect(storage).toContainText("no models yet", { timeout: 3000 });
      }).toPass();
      const other = await page.context().newPage();
      await Promise.all([page.reload(), other.goto(page.url())]);
      for (const tab of [page, other]) {
        for (const role of ["aligned", "unaligned"])
          await expect(tab.getByTestId(`facts-${role}`)).toContainText("Llama");
      }
      await expect(storage).toContainText("2 models");
      await other.close();
    });
    await runToEnd(page);
    const sent = (name: string): number => hub.storage.sent.get(`${name}/model.safetensors`) ?? 0;
    const size = readFileSync(join(BASE, "model.safetensors")).byteLength;
    expect(sent("tiny/model")).toBeGreaterThan(0);
    expect(sent("tiny/model")).toBeLessThan(size / 2);

    await storage.locator("summary").click();
    await expect(page.getByTestId("stored-model")).toHaveCount(2);
    await expect(storage).toContainText(/of about .* allowed by the browser/);
    const { violations } = await new AxeBuilder({ page }).include("[data-testid=model-fields]").analyze();
    expect(violations.filter(({ impact }) => impact === "serious" || impact === "critical")).toEqual([]);

    await test.step("a reload without the hub", async () => {
      await hub.stop();
      await page.reload();
      await expect(page.getByTestId("facts-aligned")).toContainText("Llama", { timeout: 60_000 });
      await expect(page.getByTestId("storage-notices")).toContainText("tiny/model-instruct cannot be reached");
      await runToEnd(page);
    });

    await test.step("removal", async () => {
      await storage.locator("summary").click();
      await page.getByRole("button", { name: "Remove tiny/model from this browser" }).click();
      await expect(page.getByTestId("stored-model")).toHaveCount(1);
      await page.getByRole("button", { name: "Remove all" }).click();
      await expect(storage).toContainText("no models yet");
    });
  } finally {
    await hub.stop().catch(() => undefined);
  }
});

function prefixed(prefix: string, files: Readonly<Record<string, Uint8Array>>): Record<string, Uint8Array> {
  return Object.fromEntries(Object.entries(files).map(([path, bytes]) => [prefix + path, bytes]));
}
