/**
 * @file What the page says where something is missing: no https, no adapter, too small limits, a device that cannot be
 * opened, a processor that plays a GPU, a browser that keeps nothing. Learn, Data and the history work in all of them.
 */
import { chromium, expect, test, type Page } from "@playwright/test";
import { checkPage } from "./axe.ts";
import { leaveStart, openLab, runToEnd, smallSpec, writeSpec } from "./support.ts";
import { StaticSite } from "./staticSite.ts";

/** Puts `code` before the GPU worker's own: the only place that asks for a device. */
async function inGpuWorker(page: Page, code: string): Promise<void> {
  await page.route(/gpu\.worker[^/]*\.js$/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${code}\n${await response.text()}` });
  });
}

async function worksAllTheSame(page: Page): Promise<void> {
  await expect(page.getByRole("button", { name: "Start the run" })).toBeDisabled();
  await page.getByTestId("no-gpu").getByRole("link", { name: "learn how it works" }).click();
  await expect(page.getByTestId("learn-area")).toContainText("A layer with three inputs");
  await page.getByRole("tab", { name: "Data", exact: true }).click();
  await expect(page.getByTestId("data-area")).toContainText("Training rows");
}

test("without https the page says so, and how to get it", async () => {
  const site = await StaticSite.start();
  const port = new URL(site.address).port;
  const browser = await chromium.launch({
    ...(process.env.CHROME_PATH ? { executablePath: process.env.CHROME_PATH } : {}),
    args: ["--host-resolver-rules=MAP lab.example 127.0.0.1, MAP lab.example:80 127.0.0.1"],
  });
  try {
    const page = await (await browser.newContext()).newPage();
    const errors: string[] = [];
    page.on("pageerror", ({ message }) => errors.push(message));
    await page.goto(`http://lab.example:${port}/a/lab/`);
    const notice = page.getByTestId("no-gpu");
    await expect(notice).toHaveAttribute("data-case", "insecure");
    await expect(notice).toContainText("Open this page over https");
    await expect(notice.getByRole("link", { name: /^https:\/\/lab\.example/ })).toBeVisible();
    await checkPage(page, "Start without https");
    await leaveStart(page);
    await checkPage(page, "without https");
    await worksAllTheSame(page);
    await page.getByTestId("device-chip").click();
    await expect(page.getByTestId("site-panel")).toContainText(
      "browsers offer service workers only over https and on localhost",
    );
    expect(errors).toEqual([]);
  } finally {
    await browser.close();
    await site.stop();
  }
});

const CASES = [
  {
    name: "no adapter",
    kind: "no_adapter",
    says: "found no suitable GPU",
    code: "navigator.gpu.requestAdapter = () => Promise.resolve(null);",
  },
  {
    name: "too small limits",
    kind: "limits",
    says: "maxComputeInvocationsPerWorkgroup is 128, and 256 are needed",
    code:
      "{ const ask = navigator.gpu.requestAdapter.bind(navigator.gpu); navigator.gpu.requestAdapter = " +
      "async (options) => { const adapter = await ask(options); const limits = new Proxy(adapter.limits, { " +
      "get: (all, name) => (name === 'maxComputeInvocationsPerWorkgroup' ? 128 : all[name]) }); return new " +
      "Proxy(adapter, { get: (all, name) => (name === 'limits' ? limits : typeof all[name] === 'function' " +
      "? all[name].bind(all) : all[name]) }); }; }",
  },
  {
    name: "a device that cannot be opened",
    kind: "refused",
    says: "could not be opened",
    code: "GPUAdapter.prototype.requestDevice = () => Promise.reject(new DOMException('busy', 'OperationError'));",
  },
] as const;

for (const { name, kind, says, code } of CASES) {
  test(`${name}: says what is missing, and the rest works`, async ({ page }) => {
    await inGpuWorker(page, code);
    await openLab(page);
    const notice = page.getByTestId("no-gpu");
    await expect(notice).toHaveAttribute("data-case", kind);
    await expect(notice).toContainText(says);
    await checkPage(page, name);
    await worksAllTheSame(page);
  });
}

test("a model that is too large for the device: which limit, what it needs, what to lower", async ({ page }) => {
  await inGpuWorker(
    page,
    "{ const ask = GPUAdapter.prototype.requestDevice; GPUAdapter.prototype.requestDevice = async " +
      "function (descriptor) { const device = await ask.call(this, descriptor); " +
      "Object.defineProperty(device, 'limits', { value: new Proxy(device.limits, { get: (all, name) => " +
      "(name === 'maxBufferSize' ? 2 ** 19 : all[name]) }) }); return device; }; }",
  );
  await openLab(page);
  await writeSpec(page, smallSpec({ name: "sft" }, { train: { per_device_train_batch_size: 64 } }));
  const help = page.getByTestId("memory-help");
  await expect(help).toContainText(/The run needs a buffer of [\d.]+ MiB, and this device allows 0.5 MiB/, {
    timeout: 60_000,
  });
  await expect(help.getByRole("button").first()).toBeVisible();
  await checkPage(page, "too large a model");
});

test("a software adapter: what it means; and the device checks itself", async ({ page }) => {
  await openLab(page);
  test.skip((await page.getByTestId("device-chip").getAttribute("data-tone")) !== "warn", "this machine has a GPU");
  const notice = page.getByTestId("software-notice");
  await expect(notice).toContainText("Results are the same as on a GPU");
  await checkPage(page, "a software adapter");
  await writeSpec(
    page,
    smallSpec(
      { name: "sft" },
      {
        data: { train: { source: "apothecary", task: "topic", n: 40, harmful_ratio: 0.1 } },
        eval: { harmful: null, task: null, benign: null },
      },
    ),
  );
  await runToEnd(page);
  await notice.getByRole("button", { name: "Dismiss" }).click();
  await expect(notice).toHaveCount(0);

  await page.getByTestId("device-chip").click();
  const panel = page.getByTestId("site-panel");
  await expect(panel).toContainText("Memory in use");
  await expect(panel).toContainText(/tokens\/s/);
  await panel.getByRole("button", { name: "Check for correct results" }).click();
  await expect(panel.getByTestId("self-check").getByRole("listitem")).toHaveCount(3, { timeout: 60_000 });
  await expect(panel.getByTestId("self-check")).not.toContainText("Failed");
  await page.keyboard.press("Escape");
  await expect(panel).toHaveCount(0);
});

test("a browser that keeps nothing: runs stay until the tab is closed, and the page says so", async ({ page }) => {
  // What browsers do that block the data of sites.
  await page.addInitScript(() => {
    const blocked = (): never => {
      throw new DOMException("The operation is insecure.", "SecurityError");
    };
    for (const [owner, name] of [
      [window, "indexedDB"],
      [window, "localStorage"],
      [window, "sessionStorage"],
      [window, "caches"],
      [navigator, "serviceWorker"],
    ] as const)
      Object.defineProperty(owner, name, { get: blocked });
    StorageManager.prototype.getDirectory = () =>
      Promise.reject(new DOMException("The operation is insecure.", "SecurityError"));
  });
  await inGpuWorker(
    page,
    "Object.defineProperty(self, 'indexedDB', { get() { throw new DOMException('The operation is " +
      "insecure.', 'SecurityError'); } }); StorageManager.prototype.getDirectory = () => " +
      "Promise.reject(new DOMException('The operation is insecure.', 'SecurityError'));",
  );
  await openLab(page);
  await writeSpec(
    page,
    smallSpec(
      { name: "sft" },
      {
        data: { train: { source: "apothecary", task: "topic", n: 40, harmful_ratio: 0.1 } },
        eval: { harmful: null, task: null, benign: null },
      },
    ),
  );
  await runToEnd(page);
  await page.getByRole("tab", { name: /^Runs/ }).click();
  await expect(page.getByTestId("run-row")).toHaveCount(1);
  await expect(page.getByRole("tabpanel")).toContainText("This browser keeps nothing for this page");
  await checkPage(page, "nothing is kept");
  await page.getByRole("button", { name: /^Switch to/ }).click();
  await page.getByTestId("device-chip").click();
  await expect(page.getByTestId("site-panel")).toContainText("The lab needs the network on each visit");
  await checkPage(page, "nothing is kept, the panel");
});
