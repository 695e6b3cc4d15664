/**
 * @file After one visit the lab needs no network: it opens and trains. A new version waits for the user, a broken one
 * is never taken.
 */
import { appendFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, type Page } from "@playwright/test";
import { runToEnd, smallSpec, writeSpec } from "./support.ts";
import { BUILT, StaticSite } from "./staticSite.ts";

test.use({ serviceWorkers: "allow" });

async function open(page: Page, site: StaticSite): Promise<void> {
  await page.goto(site.address);
  await expect(page.getByTestId("device-chip")).not.toContainText("Opening");
}

test("first visit, network gone, reload: the bundled pair trains", async ({ page }) => {
  const site = await StaticSite.start();
  const { address } = site;
  try {
    await open(page, site);
    await expect(page.getByTestId("offline-chip")).toHaveText("Works offline");
  } finally {
    await site.stop();
  }
  await page.goto(`${address}#learn/penalty`);
  await page.reload();
  await expect(page.getByTestId("learn-area")).toBeVisible();
  await expect(page.getByTestId("device-chip")).not.toContainText("Opening");
  await writeSpec(
    page,
    smallSpec(
      { name: "asft" },
      {
        data: { train: { source: "apothecary", task: "topic", n: 40, harmful_ratio: 0.1 } },
        eval: { harmful: { n: 2 }, task: null, benign: null, max_new_tokens: 12 },
      },
    ),
  );
  await runToEnd(page);
  await page.getByTestId("offline-chip").click();
  await expect(page.getByTestId("offline-status")).toContainText("each checked by SHA-256");
});

test("a new version is announced and taken on request, not under other tabs; a broken one is never taken", async ({
  page,
  context,
}) => {
  const folder = mkdtempSync(join(tmpdir(), "basin-site-"));
  const site = await StaticSite.start();
  try {
    cpSync(BUILT, folder, { recursive: true });
    await open(page, site);
    await expect(page.getByTestId("offline-chip")).toBeVisible();
    const buildNow = async (): Promise<string | undefined> => {
      const text = await page.evaluate(async () => (await caches.keys()).join(" "));
      return text.split(" ").at(-1);
    };
    const first = await buildNow();

    await test.step("an upload that is not complete changes nothing", async () => {
      const worker = readFileSync(join(folder, "sw.js"), "utf8");
      const build = /build:[`"']([0-9a-f]{16})[`"']/.exec(worker)?.[1] ?? "";
      expect(build).toBe(first);
      writeFileSync(join(folder, "sw.js"), worker.replace(build, "0123456789abcdef"));
      appendFileSync(join(folder, "models", "apothecary-base", "model.safetensors"), "x");
      // The file of the first visit is the right one still: only a fetch could bring the wrong one.
      await page.evaluate(async () => {
        for (const name of await caches.keys())
          await (await caches.open(name)).delete(
            new URL("models/apothecary-base/model.safetensors", document.baseURI).href,
          );
      });
      site.folder = folder;
      await page.evaluate(async () => {
        const registration = await navigator.serviceWorker.ready;
        const fresh = await registration.update().catch(() => null);
        const worker = registration.installing ?? fresh?.installing;
        await new Promise<void>((resolve) => {
          if (worker == null || worker.state === "redundant") return resolve();
          worker.addEventListener("statechange", () => worker.state === "redundant" && resolve());
          return undefined;
        });
      });
      await page.reload();
      await expect(page.getByTestId("device-chip")).not.toContainText("Opening");
      await expect(page.getByTestId("update-banner")).toHaveCount(0);
      cpSync(join(BUILT, "models"), join(folder, "models"), { recursive: true });
    });

    await test.step("complete, it is announced, and held while another tab is open", async () => {
      const other = await context.newPage();
      await other.goto(site.address);
      await page.evaluate(async () => (await navigator.serviceWorker.ready).update());
      await expect(page.getByTestId("update-banner")).toContainText("A new version is ready");
      await page.getByTestId("update-banner").getByRole("button", { name: "Reload" }).click();
      await expect(page.getByTestId("update-banner")).toContainText("Another tab still uses the old version");
      await other.close();
    });

    await test.step("alone, it takes over", async () => {
      const loaded = page.waitForEvent("load");
      await page.getByTestId("update-banner").getByRole("button", { name: "Reload" }).click();
      await loaded;
      await expect(page.getByTestId("device-chip")).not.toContainText("Opening");
      await expect(page.getByTestId("update-banner")).toHaveCount(0);
      expect(await buildNow()).toBe("0123456789abcdef");
      expect(await page.evaluate(async () => (await caches.keys()).length)).toBe(1);
    });

    await test.step("a copy with holes gives way to the network", async () => {
      await page.evaluate(async () => {
        for (const name of await caches.keys()) {
          const cache = await caches.open(name);
          for (const request of await cache.keys())
            if (/assets\/.*\.js$/.test(request.url)) await cache.delete(request);
        }
      });
      await page.reload();
      await expect(page.getByTestId("device-chip")).not.toContainText("Opening");
      expect(readdirSync(folder)).toContain("sw.js");
    });
  } finally {
    await site.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
