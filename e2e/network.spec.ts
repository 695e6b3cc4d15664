/**
 * @file Models on another origin, in a real browser: with permission (CORS) they load, without it the page says what to
 * do.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "@playwright/test";
import { MisbehavingServer } from "../tests/weights/misbehavingServer.ts";
import { openLab, smallSpec, writeSpec } from "./support.ts";

const folder = fileURLToPath(new URL("../public/models/apothecary-aligned", import.meta.url));
const files = Object.fromEntries(
  readdirSync(folder).map((file) => [file, new Uint8Array(readFileSync(join(folder, file)))]),
);

test("a model of another origin needs that origin's permission", async ({ page }) => {
  const closed = await MisbehavingServer.start(files);
  const open = await MisbehavingServer.start(files, { cors: true });
  try {
    await openLab(page);
    const start = page.getByRole("button", { name: "Start the run" });
    await writeSpec(page, smallSpec({ name: "sft" }, { model: { aligned: closed.base, unaligned: null } }));
    await expect(page.getByText(/does not allow this page .* to read its files \(CORS\)/).first()).toBeVisible();
    await expect(page.getByText(/Access-Control-Allow-Origin/).first()).toBeVisible();
    await expect(start).toBeDisabled();
    await writeSpec(page, smallSpec({ name: "sft" }, { model: { aligned: open.base, unaligned: null } }));
    await expect(start).toBeEnabled({ timeout: 60_000 });
    expect(open.seen.map(({ path }) => path)).toContain("model.safetensors");
    // A server that is gone is another thing than one that does not permit.
    const gone = closed.base;
    await closed.stop();
    await writeSpec(page, smallSpec({ name: "sft" }, { model: { aligned: `${gone}/again`, unaligned: null } }));
    await expect(page.getByText(/The request failed/).first()).toBeVisible();
  } finally {
    await Promise.allSettled([closed.stop(), open.stop()]);
  }
});
