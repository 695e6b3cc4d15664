/** @file Rows from elsewhere: a dataset of the hub (a local server with its interface), a dropped file, pasted text. */
import { writeFileSync } from "node:fs";
import { expect, test, type Page } from "@playwright/test";
import { parquetWriteBuffer } from "hyparquet-writer";
import { DatasetHub } from "../tests/experiment/data/datasetHub.ts";
import { leaveStart, openLab } from "./support.ts";

const N = 12;

function parquet(from: number): Uint8Array {
  return new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        {
          name: "text",
          data: Array.from({ length: N }, (_, i) => `The harbour reopens, ${from + i}.`),
          type: "STRING",
        },
        { name: "label", data: Array.from({ length: N }, (_, i) => BigInt(i % 2)), type: "INT64" },
      ],
      kvMetadata: [
        {
          key: "huggingface",
          value: JSON.stringify({
            info: { features: { label: { _type: "ClassLabel", names: ["World", "Business"] } } },
          }),
        },
      ],
    }),
  );
}

const source = (page: Page) => page.getByRole("radiogroup", { name: "Source of the training rows" });

test("a dataset of the hub by its id: its classes have names, its splits are chosen", async ({ page }) => {
  const hub = await new DatasetHub({
    "owner/news": {
      main: {},
      "refs/convert/parquet": {
        "default/train/0000.parquet": parquet(0),
        "default/train/0001.parquet": parquet(N),
        "default/test/0000.parquet": parquet(100),
      },
    },
  }).start();
  try {
    page.on("pageerror", (error) => {
      throw error;
    });
    await page.goto(`./?hubUrl=${encodeURIComponent(hub.base)}`);
    await leaveStart(page);
    await source(page).getByText("Hub").click();
    await page.getByRole("textbox", { name: "Dataset" }).fill("owner/none");
    await page.keyboard.press("Enter");
    await page
      .getByTestId("host-question")
      .getByRole("button", { name: /^Load from/ })
      .click();
    await expect(page.locator("#readiness")).toContainText("owner/none", { timeout: 60_000 });
    await page.getByRole("textbox", { name: "Dataset" }).fill("owner/news");
    await page.keyboard.press("Enter");
    await page.getByRole("tab", { name: "Data" }).click();
    const area = page.getByTestId("data-area");
    await expect(area).toContainText(`rows 1–${2 * N} of ${2 * N}`, { timeout: 60_000 });
    await expect(area.getByTestId("mapping")).toContainText("texts with classes");
    await expect(area.locator("tbody tr").nth(1)).toContainText("Business");
    await page.getByRole("textbox", { name: "Split" }).fill("test");
    await page.keyboard.press("Tab");
    await expect(area).toContainText(`rows 1–${N} of ${N}`);
    await expect(page.getByRole("button", { name: "Start the run" })).toBeEnabled();
  } finally {
    await hub.stop();
  }
});

test("a file that is dropped, and text that is pasted", async ({ page }, info) => {
  const file = info.outputPath("rows.csv");
  writeFileSync(file, "prompt;completion\nWhat is it?;Business\n");
  await openLab(page);
  await source(page).getByText("Your file").click();
  const box = await page.getByTestId("file-drop").boundingBox();
  if (box === null) throw new Error("no place to drop a file");
  const session = await page.context().newCDPSession(page);
  for (const type of ["dragEnter", "dragOver", "drop"] as const)
    await session.send("Input.dispatchDragEvent", {
      type,
      x: box.x + box.width / 2,
      y: box.y + 20,
      data: { items: [], files: [file], dragOperationsMask: 1 },
    });
  await page.getByRole("tab", { name: "Data" }).click();
  const mapping = page.getByTestId("mapping");
  await expect(mapping).toContainText("prompt and completion", { timeout: 60_000 });

  await source(page).getByText("Pasted").click();
  await page
    .getByRole("textbox", { name: "Text", exact: true })
    .fill('{"messages": [{"role": "user", "content": "What is it?"}, {"role": "assistant", "content": "World"}]}');
  await expect(mapping).toContainText("chat messages");
  // The text is part of the link, which is longer by it than that of the file.
  await expect(page).toHaveURL(/#x=1\..{200}/);
  await page.reload();
  await page.getByRole("tab", { name: "Data" }).click();
  await expect(page.getByTestId("data-area").locator("tbody tr")).toHaveCount(1, { timeout: 60_000 });
});
