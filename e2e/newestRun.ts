/** @file What a browser keeps of its newest run, to be compared with another. */
import type { Page } from "@playwright/test";

/** What the history of runs keeps of the newest run, clocks left out. */
export async function newestRun(
  page: Page,
): Promise<{ readonly outcome: unknown; readonly resumedAt: readonly number[] }> {
  return page.evaluate(async () => {
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const asked = indexedDB.open("basin /");
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(new Error("no history"));
    });
    interface Kept {
      readonly endedAt: number;
      readonly steps: readonly Readonly<Record<string, unknown>>[];
      readonly evaluations: unknown;
      readonly answers: unknown;
      readonly adapter: Readonly<Record<string, Uint8Array<ArrayBuffer>>>;
      readonly ending: {
        readonly report: {
          readonly before: unknown;
          readonly after: unknown;
          readonly steps: number;
          readonly method: unknown;
          readonly resumed_at?: readonly number[];
        };
      };
    }
    const runs = await new Promise<Kept[]>((resolve) => {
      const asked = database.transaction("runs").objectStore("runs").getAll();
      asked.onsuccess = () => resolve(asked.result as Kept[]);
    });
    database.close();
    const run = runs.sort((a, b) => b.endedAt - a.endedAt)[0];
    if (run === undefined) throw new Error("no run is kept");
    const digests = await Promise.all(
      Object.entries(run.adapter).map(async ([name, bytes]) => [
        name,
        [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))].join(),
      ]),
    );
    const { before, after, steps, method, resumed_at = [] } = run.ending.report;
    return {
      outcome: {
        steps: run.steps.map((step) => ({ ...step, ms: 0 })),
        evaluations: run.evaluations,
        answers: run.answers,
        digests,
        report: { before, after, steps, method },
      },
      resumedAt: resumed_at,
    };
  });
}
