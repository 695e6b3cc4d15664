/** @file A browser that gives no WebGPU adapter: the page says so, says what to do, and the rest of the lab works. */
import { chromium, expect, test } from "@playwright/test";
import { checkPage } from "./axe.ts";

test("without WebGPU the page says what is missing and how to get it", async ({ baseURL }) => {
  const browser = await chromium.launch({
    ...(process.env.CHROME_PATH ? { executablePath: process.env.CHROME_PATH } : {}),
    args: ["--disable-gpu", "--disable-features=Vulkan,WebGPUService"],
  });
  try {
    const page = await (await browser.newContext()).newPage();
    await page.goto(baseURL ?? "");
    await expect(page.getByTestId("no-gpu")).toContainText("needs WebGPU");
    await expect(page.getByTestId("no-gpu")).toContainText("chrome://gpu");
    await expect(page.getByTestId("device-chip")).toContainText("No WebGPU");
    await checkPage(page, "Start without WebGPU");
    await page.getByRole("tab", { name: "Run", exact: true }).click();
    await expect(page.getByRole("button", { name: "Start the run" })).toBeDisabled();
    await checkPage(page, "Run without WebGPU");
    await page.getByTestId("no-gpu").getByRole("link", { name: "learn how it works" }).click();
    await expect(page.getByTestId("learn-area")).toContainText("A layer with three inputs");
    await page.getByRole("tab", { name: "Data" }).click();
    await expect(page.getByTestId("data-area")).toContainText("Training rows");
  } finally {
    await browser.close();
  }
});
