/** @file Heap and ArrayBuffers of a page and its workers, over the DevTools protocol. */
import type { CDPSession } from "@playwright/test";

interface HeapUsage {
  readonly usedSize: number;
  readonly backingStorageSize?: number;
}

/** Heap and ArrayBuffers of a page and its workers. */
export class HeapWatch {
  readonly #page: CDPSession;
  readonly #workers = new Set<string>();
  readonly #waiting = new Map<number, (result: unknown) => void>();
  #next = 1;

  private constructor(page: CDPSession) {
    this.#page = page;
  }

  static async attach(page: CDPSession): Promise<HeapWatch> {
    const watch = new HeapWatch(page);
    page.on("Target.attachedToTarget", ({ sessionId, targetInfo }) => {
      if (targetInfo.type === "worker") watch.#workers.add(sessionId);
    });
    page.on("Target.detachedFromTarget", ({ sessionId }) => watch.#workers.delete(sessionId));
    page.on("Target.receivedMessageFromTarget", ({ message }) => {
      const { id, result } = JSON.parse(message) as { id?: number; result?: unknown };
      if (id !== undefined) watch.#waiting.get(id)?.(result ?? null);
    });
    await page.send("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: false, flatten: false });
    return watch;
  }

  get workers(): number {
    return this.#workers.size;
  }

  /** Bytes of all heaps and of the ArrayBuffers outside of them. */
  async now(): Promise<number> {
    return sum(await this.each());
  }

  /** As `now`, for the page and each of its workers. */
  async each(): Promise<readonly number[]> {
    const usages = await Promise.all([
      this.#page.send("Runtime.getHeapUsage"),
      ...this.#askAll("Runtime.getHeapUsage"),
    ]);
    return (usages as (HeapUsage | null)[]).map((usage) => {
      if (usage?.backingStorageSize === undefined)
        throw new Error("this browser does not tell the size of ArrayBuffers");
      return usage.usedSize + usage.backingStorageSize;
    });
  }

  /** As `each`, of what is left when the garbage has been collected. */
  async collected(): Promise<readonly number[]> {
    let least: readonly number[] = [];
    // Finalizers of one collection make the garbage of the next.
    for (let i = 0; i < 5; i += 1) {
      await Promise.all([
        this.#page.send("HeapProfiler.collectGarbage"),
        ...this.#askAll("HeapProfiler.collectGarbage"),
      ]);
      const now = await this.each();
      if (i === 0 || sum(now) < sum(least)) least = now;
    }
    return least;
  }

  #askAll(method: string): Promise<unknown>[] {
    return [...this.#workers].map((session) => this.#ask(session, method));
  }

  #ask(sessionId: string, method: string): Promise<unknown> {
    const id = this.#next;
    this.#next += 1;
    return new Promise((resolve) => {
      this.#waiting.set(id, (result) => {
        this.#waiting.delete(id);
        resolve(result);
      });
      void this.#page.send("Target.sendMessageToTarget", { sessionId, message: JSON.stringify({ id, method }) });
    });
  }
}

export function sum(bytes: readonly number[]): number {
  return bytes.reduce((all, one) => all + one, 0);
}
