/**
 * @file Sharing a run: a link with results that somebody else opens, runs again and sees reproduced; QR code; report;
 * CSV.
 */
import { readFileSync } from "node:fs";
import { expect, test, type Download, type Locator, type Page } from "@playwright/test";
import jsQR from "jsqr";
import Papa from "papaparse";
import { packJson } from "../src/experiment/share/packedJson.ts";
import { checkPage, onPhone, serious } from "./axe.ts";
import { openLab, runToEnd, smallSpec, writeSpec } from "./support.ts";

/** As little as shows every figure. */
const SPEC = smallSpec(
  { name: "sft" },
  {
    name: "shared",
    data: { train: { source: "apothecary", task: "topic", n: 40, harmful_ratio: 0.1 } },
    eval: { harmful: { n: 3 }, task: { n: 3 }, benign: { n: 2 }, max_new_tokens: 12 },
  },
);

async function saved(page: Page, button: Locator): Promise<{ readonly download: Download; readonly text: string }> {
  const downloading = page.waitForEvent("download");
  await button.click();
  const download = await downloading;
  return { download, text: readFileSync(await download.path(), "utf8") };
}

/** What a camera would read of the code on screen. */
async function scanned(page: Page, code: Locator): Promise<string | null> {
  const png = (await code.screenshot()).toString("base64");
  const { grey, width, height } = await page.evaluate(async (picture) => {
    const image = new Image();
    image.src = `data:image/png;base64,${picture}`;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d");
    context?.drawImage(image, 0, 0);
    const pixels = context?.getImageData(0, 0, image.width, image.height).data ?? [];
    let text = "";
    for (let i = 0; i < pixels.length; i += 4) text += (pixels[i] ?? 0) > 127 ? "1" : "0";
    return { grey: text, width: image.width, height: image.height };
  }, png);
  const pixels = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let i = 0; i < grey.length; i += 1) if (grey[i] === "0") pixels.fill(0, 4 * i, 4 * i + 3);
  return jsQR(pixels, width, height)?.data ?? null;
}

test("a run travels by link with its results, and is reproduced elsewhere", async ({ page, browser }) => {
  test.setTimeout(600_000);
  await openLab(page);
  await writeSpec(page, SPEC);
  await runToEnd(page);
  await page.getByTestId("run-area").getByRole("button", { name: "Share" }).click();
  const share = page.getByTestId("share");
  const address = share.getByLabel("Share link");
  const link = await address.inputValue();

  await test.step("the dialog says what travels, and is for everybody", async () => {
    expect(link).toMatch(/#x=1\.[\w-]+&r=1\.[\w-]+$/);
    await expect(share).toContainText("works on this computer only");
    expect(await serious(page)).toEqual([]);
    await share.getByLabel(/^Include my results/).uncheck();
    expect(await address.inputValue()).toBe(link.replace(/&r=.*/, ""));
    await share.getByLabel(/^Include my results/).check();
    expect(await address.inputValue()).toBe(link);
  });

  await test.step("the QR code is the link, also in the dark", async () => {
    await page.emulateMedia({ colorScheme: "dark" });
    await share.getByRole("button", { name: "Show QR code" }).click();
    const wall = page.getByTestId("qr");
    expect(await scanned(page, wall.getByRole("img", { name: "QR code of the link" }))).toBe(link);
    expect(await serious(page)).toEqual([]);
    const { download, text } = await saved(page, wall.getByRole("button", { name: "Save as SVG" }));
    expect(download.suggestedFilename()).toMatch(/^basin-link-[0-9a-f]{8}\.svg$/);
    expect(text).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" viewBox="0 0 \d+ \d+"/);
    await wall.getByRole("button", { name: "Close" }).click();
    await page.emulateMedia({ colorScheme: "light" });
  });

  await test.step("the report opens from a disk, asks for nothing and complains about nothing", async () => {
    const { download, text } = await saved(page, share.getByRole("button", { name: "Save report" }));
    const path = test.info().outputPath(download.suggestedFilename());
    await download.saveAs(path);
    expect(text).not.toMatch(/<script|onerror=/);
    const reader = await browser.newContext({ colorScheme: "dark", baseURL: "" });
    const report = await reader.newPage();
    const said: string[] = [];
    const asked: string[] = [];
    report.on("console", (message) => said.push(message.text()));
    report.on("pageerror", (error) => said.push(String(error)));
    report.on("request", (request) => asked.push(request.url()));
    await report.goto(`file://${path}`);
    await expect(report.getByRole("heading", { level: 1 })).toHaveText("SFT, no penalty");
    await expect(report.getByRole("img", { name: /^Cross-entropy/ })).toBeVisible();
    await expect(report.getByText("Sample answers")).toBeVisible();
    expect(await report.getByRole("link", { name: "this link" }).getAttribute("href")).toBe(link.replace(/&r=.*/, ""));
    expect(await report.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe("rgb(15, 18, 20)");
    expect([said, asked]).toEqual([[], [`file://${path}`]]);
    expect(await serious(report)).toEqual([]);
    await reader.close();
  });

  await test.step("steps as CSV", async () => {
    const { text } = await saved(page, share.getByRole("button", { name: "Steps (CSV)" }));
    expect(Papa.parse(text, { header: true, skipEmptyLines: true }).data).toHaveLength(5);
    await share.getByRole("button", { name: "Close" }).click();
    await page.getByRole("tab", { name: /^Runs/ }).click();
    const all = await saved(page, page.getByRole("button", { name: "All runs (CSV)" }));
    expect(Papa.parse(all.text, { header: true, skipEmptyLines: true }).data).toEqual([
      expect.objectContaining({ outcome: "finished", "spec.name": "shared", after_harmful_score_count: "3" }),
    ]);
    await page.getByTestId("run-row").getByRole("button", { name: "Share this run" }).click();
    expect(await page.getByTestId("share").getByLabel("Share link").inputValue()).toBe(link);
  });

  await test.step("the sender's own browser does not compare the run with itself", async () => {
    await page.goto("about:blank");
    await openLab(page, link.split("#")[1] ?? "");
    await expect(page.getByTestId("received")).toHaveAttribute("data-state", "own");
  });

  await test.step("somebody else sees the results, runs it with one click, and reads: reproduced", async () => {
    const context = await browser.newContext();
    const friend = await context.newPage();
    await openLab(friend, link.split("#")[1] ?? "");
    const received = friend.getByTestId("received");
    await expect(received).toContainText("This link includes results");
    await expect(received).toContainText(/Harmful score.*\/3/);
    await checkPage(friend, "received");
    // The results stay in the address, so that a reload keeps them.
    await friend.waitForTimeout(600);
    expect(friend.url()).toBe(link);
    await expect(received.getByRole("button", { name: "Run it here" })).toBeEnabled({ timeout: 60_000 });
    await received.getByRole("button", { name: "Run it here" }).click();
    await expect(friend.getByTestId("run-area")).toHaveAttribute("data-state", "finished", { timeout: 240_000 });
    await expect(received).toHaveAttribute("data-state", "exact");
    await expect(received.getByRole("heading")).toHaveText("Reproduced, bit for bit");
    await expect(received).toContainText("The losses of all 5 steps match bit for bit.");
    await expect(received).toContainText("differs by at most 0.001 nats");
    await checkPage(friend, "reproduced");
    await context.close();
  });
});

test("results that were tampered with do not keep the settings from opening", async ({ page }) => {
  const spec = packJson({ method: { name: "sft" }, train: { seed: 77 } });
  await openLab(page, `x=1.${spec}&r=1.${packJson({ r: "someone", s: 1 })}`);
  await expect(page.getByTestId("received")).toContainText("cannot be used");
  await onPhone(page, "unreadable results", "[data-testid=received]");
  await page.getByText("JSON", { exact: true }).click();
  expect(JSON.parse(await page.getByLabel("The spec as JSON").inputValue())).toMatchObject({ train: { seed: 77 } });
  await page.getByTestId("received").getByRole("button", { name: "Close" }).click();
  await expect(page.getByTestId("received")).toHaveCount(0);
});
