/**
 * @file How long the page's own thread was at work without a break, from Chromium's trace.
 *
 * A task's duration on the clock says little where a software adapter uses every core: the thread may have waited for a
 * core in the middle of it. The trace also tells the processor time that the thread got in a task (`tdur`). That is
 * script, style and layout, and nothing else. A machine that is slower as a whole is allowed more: a loop of known
 * length is timed in the same way.
 */
import type { Page } from "@playwright/test";

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly dur?: number;
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

export interface LongestTask {
  /** Processor time of the longest task, milliseconds. */
  readonly workMs: number;
  /** The longest on the clock, for reports. */
  readonly clockMs: number;
}

/** Longest task of the page's main thread while `work` went on. */
export async function longestTask(page: Page, work: () => Promise<void>): Promise<LongestTask> {
  const session = await page.context().newCDPSession(page);
  const events: TraceEvent[] = [];
  session.on("Tracing.dataCollected", ({ value }) => events.push(...(value as unknown as TraceEvent[])));
  await session.send("Tracing.start", {
    traceConfig: { includedCategories: ["toplevel", "devtools.timeline"], recordMode: "recordContinuously" },
    transferMode: "ReportEvents",
  });
  await work();
  const complete = new Promise<void>((resolve) => session.once("Tracing.tracingComplete", () => resolve()));
  await session.send("Tracing.end");
  await complete;
  await session.detach();
  const main = new Set(
    events
      .filter(({ name, args }) => name === "thread_name" && args?.name === "CrRendererMain")
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  const tasks = events.filter(
    ({ name, ph, pid, tid }) => ph === "X" && /RunTask/.test(name) && main.has(`${pid} ${tid}`),
  );
  if (tasks.length === 0) throw new Error("the trace has no task of the page's thread");
  const longest = (read: (event: TraceEvent) => number): number =>
    tasks.reduce((most, task) => Math.max(most, read(task)), 0) / 1000;
  return { workMs: longest(({ tdur = 0 }) => tdur), clockMs: longest(({ dur = 0 }) => dur) };
}

/** Processor time of `slowness`'s loop on the machine whose limit counts, milliseconds. */
const REFERENCE_MS = 60;

/** How many times slower this machine is, at this moment; at least 1. */
export async function slowness(page: Page): Promise<number> {
  const { workMs } = await longestTask(page, async () => {
    await page.evaluate(() => {
      const list: string[] = [];
      for (let i = 0; i < 200_000; i += 1) list.push(`${(i * 2654435761) % 4294967296}`);
      return list.sort().length;
    });
  });
  return Math.max(1, workMs / REFERENCE_MS);
}
