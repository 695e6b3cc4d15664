/**
 * @file The screen stays on while a run computes: Screen Wake Lock, requested again whenever the page is shown again
 * (the browser takes it away with the page), released at the end and during a pause. A browser without it is fine.
 */
import type { Lab } from "../lab.ts";
import { isActive, type RunState } from "../run/runState.ts";

interface Held {
  release(): Promise<void>;
}

/** What is needed of the browser; tests use another. */
export interface Screen {
  /** Whether the page is seen: a hidden one gets no lock. */
  visible(): boolean;
  request(): Promise<Held>;
}

export class ScreenLock {
  readonly #screen: Screen;
  readonly #tell: (why: string | null) => void;
  #wanted = false;
  #held: Held | null = null;
  /** Counts the wishes: an answer to an earlier one is let go. */
  #turn = 0;

  /** @param tell called with why the screen may turn off during a run; null once that is over */
  constructor(screen: Screen, tell: (why: string | null) => void) {
    this.#screen = screen;
    this.#tell = tell;
  }

  want(wanted: boolean): void {
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    void this.#renew();
  }

  /** The page is shown or hidden. */
  seen(): void {
    if (this.#wanted) void this.#renew();
  }

  async #renew(): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    const before = this.#held;
    this.#held = null;
    this.#tell(null);
    await before?.release().catch(() => undefined);
    if (turn !== this.#turn || !this.#wanted || !this.#screen.visible()) return;
    try {
      const held = await this.#screen.request();
      if (turn === this.#turn) this.#held = held;
      else await held.release();
    } catch (error) {
      if (turn === this.#turn) this.#tell(error instanceof Error ? error.message : String(error));
    }
  }
}

/** Whether a run computes now. */
export function isComputing(run: RunState): boolean {
  return isActive(run) && run.kind !== "paused";
}

export function keepScreenOn(lab: Lab): void {
  // Absent in some browsers, whatever the types say.
  const { wakeLock } = navigator as { readonly wakeLock?: WakeLock };
  if (wakeLock === undefined) return;
  const screen = new ScreenLock(
    { visible: () => document.visibilityState === "visible", request: () => wakeLock.request("screen") },
    (why) => lab.recovery.onWakeLockProblem(why),
  );
  lab.run.store.subscribe(({ run }) => screen.want(isComputing(run)));
  document.addEventListener("visibilitychange", () => screen.seen());
}
