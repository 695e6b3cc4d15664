/**
 * @file The built folder on a plain host, below a sub-path: it works with the policy of its meta tag and with the
 * headers that it brings for hosts, and asks nobody for anything but files.
 */
import { expect, test, type Page } from "@playwright/test";
import { runToEnd, smallSpec, writeSpec } from "./support.ts";
import { builtHeaders, StaticSite } from "./staticSite.ts";

test.use({ serviceWorkers: "allow" });

const small = smallSpec(
  { name: "sft" },
  {
    data: { train: { source: "apothecary", task: "topic", n: 40, harmful_ratio: 0.1 } },
    eval: { harmful: { n: 2 }, task: { n: 2 }, benign: { n: 1 }, max_new_tokens: 12 },
  },
);

/** What the browser refuses for the policy's sake, on the page and in its workers. */
function refusals(page: Page): string[] {
  const seen: string[] = [];
  page.on("console", (message) => {
    if (/content security policy|violates/i.test(message.text())) seen.push(message.text());
  });
  page.on("pageerror", (error) => {
    throw error;
  });
  return seen;
}

async function ask(page: Page): Promise<void> {
  await page.getByRole("tab", { name: "Chat" }).click();
  await page
    .getByTestId("chat-area")
    .getByRole("button", { name: /^(How|Can|Give|Teach|What|Tell|Show|I|Please|Explain)/ })
    .first()
    .click();
  await page.getByRole("button", { name: "Ask all three" }).click();
  await expect(page.getByTestId("exchange").first()).toHaveAttribute("aria-busy", "false", { timeout: 120_000 });
}

test("a plain host, a sub-path, no headers: runs and chats within the policy; the panel agrees with the host", async ({
  page,
}) => {
  const site = await StaticSite.start();
  try {
    const refused = refusals(page);
    await page.goto(site.address);
    await expect(page.getByTestId("device-chip")).not.toContainText("Opening");
    await writeSpec(page, small);
    await runToEnd(page);
    await ask(page);
    for (const area of ["Data", "Runs", "Table", "Learn"])
      await page.getByRole("tab", { name: new RegExp(`^${area}`) }).click();
    await page.getByRole("button", { name: /^Switch to/ }).click();

    await page.getByTestId("device-chip").click();
    const panel = page.getByTestId("network");
    await expect(panel).toContainText("Nothing was uploaded.");
    await expect(panel.getByTestId("network-host")).toHaveCount(1);
    await expect(panel.getByTestId("network-host")).toContainText("this site");
    await expect(panel).toContainText("script-src 'self' 'wasm-unsafe-eval'");
    expect(refused).toEqual([]);

    // The host is the witness: everything was GET or HEAD, without a body, and the panel names each address but those
    // that the browser asks for itself.
    expect(
      site.asked.filter(({ method, bodyBytes }) => (method !== "GET" && method !== "HEAD") || bodyBytes > 0),
    ).toEqual([]);
    const shown = new Set(await panel.getByTestId("network-host").locator("code").allTextContents());
    const itself = ["/a/lab/", "/a/lab/sw.js", "/favicon.ico"];
    const kept = new Set(
      await page.evaluate(async () =>
        (
          await Promise.all(
            (
              await caches.keys()
            ).map(async (name) => (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname)),
          )
        ).flat(),
      ),
    );
    expect(
      site.asked
        .map(({ path }) => path)
        .filter((path) => !shown.has(path) && !itself.includes(path) && !kept.has(path)),
    ).toEqual([]);
  } finally {
    await site.stop();
  }
});

test("with the headers of _headers the workers are bound, too, and the ONNX judge works", async ({ page }) => {
  const site = await StaticSite.start({ headers: builtHeaders(), sub: "/" });
  try {
    const refused = refusals(page);
    await page.goto(site.address);
    await expect(page.getByTestId("device-chip")).not.toContainText("Opening");
    await writeSpec(page, {
      ...small,
      train: { max_steps: 2 },
      eval: { harmful: { n: 2, second_judge: { kind: "classifier" } }, task: null, benign: null, max_new_tokens: 12 },
    });
    await runToEnd(page);
    await ask(page);
    expect(refused).toEqual([]);
    expect(site.asked.map(({ path }) => path).filter((path) => path.endsWith(".wasm"))).toHaveLength(1);
  } finally {
    await site.stop();
  }
});
