/**
 * @file Firefox: the lab opens, trains to the losses of the command line, chats, reloads without network and shows
 * Learn, and nothing is written to the console. Skipped where there is no Firefox with an adapter.
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@playwright/test";
import { Firefox, findFirefox } from "./firefox/firefox.ts";
import { StaticSite } from "./staticSite.ts";

const spec = {
  data: { train: { source: "apothecary", n: 20 } },
  method: { name: "asft", lambda: 0.5 },
  lora: { r: 4 },
  train: { learning_rate: 1e-3, max_steps: 5, per_device_train_batch_size: 4 },
  eval: { harmful: { n: 2 }, task: null, benign: null, max_new_tokens: 8 },
};
/** ms in which Firefox looks by itself whether the GPU has finished. */
const LATE = 50;

/** The cross-entropy of the last step by the command line. */
function expectedLoss(): number {
  const folder = mkdtempSync(join(tmpdir(), "basin-firefox-run-"));
  try {
    writeFileSync(join(folder, "spec.json"), JSON.stringify(spec));
    const args = ["bin/basin.mjs", "run", join(folder, "spec.json"), "--out", join(folder, "out")];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect(status, stderr).toBe(0);
    const steps = readFileSync(join(folder, "out", "metrics.jsonl"), "utf8")
      .trim()
      .split("\n");
    return (JSON.parse(steps.at(-1) ?? "") as { readonly ce: number }).ce;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the page shows of an element; "" where it is not there. */
function textOf(firefox: Firefox, selector: string): Promise<string> {
  return firefox.evaluate((query) => document.querySelector(query)?.textContent ?? "", selector);
}

/** Clicks the element of this name as soon as it is there and enabled. */
async function click(firefox: Firefox, name: string): Promise<void> {
  await expect
    .poll(
      () =>
        firefox.evaluate((wanted) => {
          const all = [...document.querySelectorAll<HTMLElement>("button, [role=tab], label, summary")];
          const found = all.find(
            // A tab may end in a count.
            (one) =>
              (one.getAttribute("aria-label") ?? one.textContent)?.trim().replace(/\d+$/, "") === wanted &&
              one.checkVisibility(),
          );
          if (!found || found.matches(":disabled, [aria-disabled=true]")) return false;
          found.click();
          return true;
        }, name),
      { message: name, timeout: 60_000 },
    )
    .toBe(true);
}

/** Writes into the field with this label, as typing would. */
async function fill(firefox: Firefox, label: string, text: string): Promise<void> {
  await expect
    .poll(
      () =>
        firefox.evaluate(
          (wanted, value) => {
            const field = [...document.querySelectorAll("textarea")].find(
              (one) => one.ariaLabel === wanted || [...one.labels].some((own) => own.textContent?.trim() === wanted),
            );
            if (!field) return false;
            Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value")?.set?.call(field, value);
            return field.dispatchEvent(new Event("input", { bubbles: true }));
          },
          label,
          text,
        ),
      { message: label },
    )
    .toBe(true);
}

/** ms of the longest of a few waits for next to nothing, as the browser notices it. */
function bareWait(firefox: Firefox): Promise<number> {
  return firefox.evaluate(async () => {
    const device = await (await navigator.gpu.requestAdapter())?.requestDevice();
    const buffer = device?.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    if (!device || !buffer) throw new Error("no device");
    let longest = 0;
    for (let i = 0; i < 4; i += 1) {
      const encoder = device.createCommandEncoder();
      encoder.clearBuffer(buffer);
      device.queue.submit([encoder.finish()]);
      const started = performance.now();
      await buffer.mapAsync(GPUMapMode.READ);
      longest = Math.max(longest, performance.now() - started);
      buffer.unmap();
    }
    device.destroy();
    return longest;
  });
}

/** Boxes that scroll sideways by less than a letter: what is in them is meant to fit. */
function slightOverflows(firefox: Firefox): Promise<string[]> {
  return firefox.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>("*")]
      .filter((one) => one === document.documentElement || /auto|scroll/.test(getComputedStyle(one).overflowX))
      .map((one) => ({ one, by: one.scrollWidth - one.clientWidth }))
      .filter(({ by }) => by > 0 && by < 6)
      .map(({ one, by }) => {
        const right = one.getBoundingClientRect().left + one.clientLeft + one.clientWidth;
        const out = [...one.querySelectorAll("*")].filter((part) => part.getBoundingClientRect().right > right + 0.5);
        return `${by} px in ${one.className}: ${out.map(({ className }) => className).join(", ")}`;
      }),
  );
}

test("Firefox trains, chats, works offline, and writes nothing to its console", async () => {
  const program = findFirefox();
  test.skip(program === undefined, "Firefox is not installed (firefox-esr); FIREFOX_PATH can name it");
  const site = await StaticSite.start();
  const { address } = site;
  const firefox = await Firefox.launch(program ?? "");
  try {
    await firefox.resize(1440, 900);
    await firefox.goto(address);
    const device = (): Promise<string> => textOf(firefox, "[data-testid=device-chip]");
    await expect.poll(device, { timeout: 60_000 }).not.toMatch(/^$|Opening/);
    test.skip(/No WebGPU/.test(await device()), "Firefox has no WebGPU adapter here");

    await test.step("a software adapter is known as one although it has no name", async () => {
      const fallback = await firefox.evaluate(
        async () => (await navigator.gpu.requestAdapter())?.info.isFallbackAdapter ?? false,
      );
      if (fallback) expect(await device()).toContain("Software");
    });

    await test.step("AsFT on the bundled pair ends at the loss of the command line", async () => {
      await click(firefox, "Run");
      await click(firefox, "JSON");
      await fill(firefox, "The spec as JSON", JSON.stringify(spec));
      await click(firefox, "Start the run");
      const state = () =>
        firefox.evaluate(() => document.querySelector("[data-testid=run-area]")?.getAttribute("data-state") ?? "");
      await expect.poll(state, { timeout: 240_000 }).toMatch(/finished|failed/);
      expect(await state()).toBe("finished");
      const [, loss] = /entropy (\d\.\d+)/.exec(await textOf(firefox, "[data-testid=step-readout]")) ?? [];
      expect(Number(loss)).toBeCloseTo(expectedLoss(), 3);
    });

    await test.step("all three models answer", async () => {
      await click(firefox, "Chat");
      await fill(firefox, "Question", "How do I brew a calming tonic?");
      await click(firefox, "Ask all three");
      const answers = () =>
        firefox.evaluate(() => {
          const busy = document.querySelector("[data-testid=exchange]")?.getAttribute("aria-busy");
          const texts = [...document.querySelectorAll("[data-testid=exchange] [data-subject]")];
          return busy === "true" ? 0 : texts.filter(({ textContent }) => (textContent ?? "").length > 20).length;
        });
      await expect.poll(answers, { timeout: 120_000 }).toBe(3);
    });

    await test.step("no box scrolls sideways by a few pixels", async () => {
      for (const area of ["Start", "Data", "Run", "Chat", "Runs", "Learn"]) {
        await click(firefox, area);
        expect(await slightOverflows(firefox), area).toEqual([]);
      }
    });

    await test.step("Learn opens without a network", async () => {
      await expect.poll(() => textOf(firefox, "[data-testid=offline-chip]"), { timeout: 60_000 }).toBe("Works offline");
      await site.stop();
      await firefox.goto(`${address}#learn/penalty`);
      await firefox.reload();
      await expect.poll(() => textOf(firefox, "[data-testid=learn-area] h2"), { timeout: 60_000 }).not.toBe("");
      await expect.poll(device, { timeout: 60_000 }).toContain("adapter");
    });

    expect(firefox.entries.filter(({ level }) => level === "error" || level === "warn")).toEqual([]);
    expect(
      await bareWait(firefox),
      "Firefox notices finished work by itself now: delete src/engine/lateNotices.ts and call its promises directly",
    ).toBeGreaterThan(LATE);
  } finally {
    await firefox.close();
    await site.stop().catch(() => undefined);
  }
});
