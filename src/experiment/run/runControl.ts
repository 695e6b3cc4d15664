/**
 * @file Pausing and stopping a run from outside. Between two steps the run asks; a step itself is never interrupted.
 *
 *     running ── pause ──▶ paused ── resume ──▶ running
 *        └────── stop ──────┴──▶ stopping (evaluates and saves) ── stop again ──▶ aborted (saves only)
 */

export type ControlState = "running" | "paused" | "stopping" | "aborted";

export class RunControl {
  #state: ControlState = "running";
  #training = false;
  #wake: (() => void) | null = null;
  readonly #abort = new AbortController();

  get state(): ControlState {
    return this.#state;
  }

  /** Aborted when nothing more shall be computed: a second stop, or a stop before the first step. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  pause(): void {
    if (this.#state === "running") this.#state = "paused";
  }

  resume(): void {
    if (this.#state === "paused") this.#set("running");
  }

  stop(): void {
    const again = this.#state === "stopping" || this.#state === "aborted";
    this.#set(again || !this.#training ? "aborted" : "stopping");
    if (this.#state === "aborted") this.#abort.abort();
  }

  /** The run calls this when steps begin: from then on a stop keeps what was trained. */
  trainingBegins(): void {
    this.#training = true;
  }

  /** The run starts over on another device. @param trained whether it resumes behind its first step */
  rewind(trained: boolean): void {
    this.#training = trained;
    if (trained || this.#state !== "stopping") return;
    this.#set("aborted");
    this.#abort.abort();
  }

  get pauseRequested(): boolean {
    return this.#state === "paused";
  }

  get stopRequested(): boolean {
    return this.#state === "stopping" || this.#state === "aborted";
  }

  /** Resolves when the run may go on (or shall stop). */
  async untilResumed(): Promise<void> {
    while (this.#state === "paused") {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #set(state: ControlState): void {
    this.#state = state;
    this.#wake?.();
    this.#wake = null;
  }
}
