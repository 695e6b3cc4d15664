/**
 * @file Models on another origin, in a real browser: with permission (CORS) they load, without it the page says what to
 * do; and nothing is requested from a host that a link or the page's address names before the reader agrees.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test, type Locator, type Page } from "@playwright/test";
import { MisbehavingServer } from "../tests/weights/misbehavingServer.ts";
import { HubServer } from "../tests/weights/hubServer.ts";
import { packJson } from "../src/experiment/share/packedJson.ts";
import { checkPage } from "./axe.ts";
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

/** The question about a host, and the lab behind it: long enough open that it would have asked the host. */
async function questionOf(page: Page): Promise<Locator> {
  const question = page.getByTestId("host-question");
  await expect(question).toBeVisible({ timeout: 60_000 });
  // Both the plan and the model's facts have been refused by now.
  await expect(page.locator("#readiness")).toContainText("you have not allowed this host");
  return question;
}

test("a link's host is asked for nothing before the reader agrees", async ({ page }) => {
  const server = await MisbehavingServer.start(files, { cors: true });
  const host = new URL(server.base).origin;
  try {
    const spec = smallSpec({ name: "sft" }, { model: { aligned: server.base, unaligned: null } });
    await openLab(page, `x=1.${packJson(spec)}`);
    const question = await questionOf(page);
    await expect(question).toContainText(`Load from ${host}? The link that you opened names this host.`);
    await expect(question).toContainText(`model.aligned: ${server.base}`);
    expect(server.seen).toEqual([]);
    await checkPage(page, "a host that a link names");
    await test.step("a refusal holds; the network panel takes it back", async () => {
      await question.getByRole("button", { name: "Don’t load" }).click();
      await expect(question).toHaveCount(0);
      await page.getByLabel("Seed").first().fill("5");
      await page.keyboard.press("Tab");
      await expect(page.locator("#readiness")).toContainText("you have not allowed this host");
      expect(server.seen).toEqual([]);
      await page.getByTestId("device-chip").click();
      const network = page.getByTestId("network");
      await expect(network.getByTestId("allowed-hosts")).toContainText(`${host} named by this link, not allowed`);
      await network.getByRole("button", { name: `Allow ${host}` }).click();
      await expect(network.locator(`[data-origin="${host}"]`)).toContainText("named by a link; you agreed");
      await page.keyboard.press("Escape");
    });
    await expect(page.getByRole("button", { name: "Start the run" })).toBeEnabled({ timeout: 60_000 });
    await test.step("the next visit does not ask again", async () => {
      await page.reload();
      await expect(page.getByRole("button", { name: "Start the run" })).toBeEnabled({ timeout: 60_000 });
      await expect(page.getByTestId("host-question")).toHaveCount(0);
    });
  } finally {
    await server.stop();
  }
});

test("a hub in the page's address gets no request and no token before the reader agrees", async ({ page }) => {
  const hub = await HubServer.start({ "tiny/model": { files, access: "open" } });
  hub.interfere = (_, response) => {
    response.setHeader("access-control-expose-headers", "Link, Content-Range, ETag, X-Error-Code");
    return false;
  };
  try {
    const spec = smallSpec({ name: "sft" }, { model: { aligned: "tiny/model", unaligned: null } });
    await page.goto(`./?hubUrl=${encodeURIComponent(hub.base)}#x=1.${packJson(spec)}`);
    const question = await questionOf(page);
    await expect(question).toContainText("an access token that you enter would be sent to it");
    const token = page.getByLabel(/access token/i);
    await page.getByText(/^Token and mirror/).click();
    await token.fill("hf_secret");
    await token.press("Enter");
    await expect(page.locator("#readiness")).toContainText("you have not allowed this host");
    expect(hub.seen).toEqual([]);
    await question.getByRole("button", { name: /^Load from/ }).click();
    await expect(page.getByRole("button", { name: "Start the run" })).toBeEnabled({ timeout: 60_000 });
    expect(hub.seen.length).toBeGreaterThan(0);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "Copy link" }).click();
    expect(await page.evaluate(() => navigator.clipboard.readText())).not.toContain("hubUrl");
  } finally {
    await hub.stop();
  }
});

test("a link does not replace settings that were edited and not run", async ({ page }) => {
  await openLab(page);
  await writeSpec(page, smallSpec({ name: "sft" }, { train: { seed: 41 } }));
  await page.waitForURL(/#x=/);
  const own = page.url();
  const link = `#x=1.${packJson({ train: { seed: 43 } })}`;
  const json = page.getByLabel("The spec as JSON");
  await page.evaluate((hash) => (location.hash = hash), link);
  const waiting = page.getByTestId("waiting-settings");
  await expect(waiting).toContainText("The link would replace your settings.");
  await expect(json).toHaveValue(/"seed": 41/);
  await waiting.getByRole("button", { name: "Keep my settings" }).click();
  await expect(page).toHaveURL(own);
  await page.evaluate((hash) => (location.hash = hash), link);
  await waiting.getByRole("button", { name: "Replace my settings" }).click();
  await expect(json).toHaveValue(/"seed": 43/);
});
