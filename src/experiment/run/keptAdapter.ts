/**
 * @file The trained adapter, so that it is handed out whatever happens: once, as it stands on the device, or as the host last copied it when
 * the device is lost.
 */
import type { Adapter } from "../../weights/adapterFile.ts";
import { readAdapterBack } from "./adapters.ts";
import type { Trained } from "./finishMethod.ts";

/** The adapter is copied to the host at most this often. */
const COPY_MS = 20_000;

export class KeptAdapter {
  readonly #handOut: (adapter: Adapter) => Promise<void> | void;
  /** Milliseconds. */
  readonly #now: () => number;
  #trained: Trained | null = null;
  #copy: Adapter | null = null;
  #copiedAt = 0;
  #handedOut = false;

  constructor(handOut: ((adapter: Adapter) => Promise<void> | void) | undefined, now: () => number) {
    this.#handOut = handOut ?? (() => undefined);
    this.#now = now;
  }

  /** Whether the receiver has it. */
  get handedOut(): boolean {
    return this.#handedOut;
  }

  /** What is trained from now on; or what the method has made of it. */
  begin(trained: Trained): void {
    this.#trained = trained;
    this.#copiedAt = this.#now();
  }

  /** Between two steps: a copy to the host when the last one is old. */
  async copy(): Promise<void> {
    if (this.#trained === null || this.#now() - this.#copiedAt < COPY_MS) return;
    this.#copiedAt = this.#now();
    this.#copy = await read(this.#trained);
  }

  async handOut(): Promise<void> {
    if (this.#trained === null) throw new Error("nothing was trained");
    await this.#give(await read(this.#trained));
  }

  /**
   * After a failure.
   * @param lost the device can no longer be read
   * @returns whether there was an adapter. @throws what the receiver throws
   */
  async rescue(lost: boolean): Promise<boolean> {
    if (this.#handedOut) return true;
    if (this.#trained === null) return false;
    const adapter = lost ? this.#copy : await read(this.#trained).catch(() => this.#copy);
    if (adapter === null) return false;
    await this.#give(adapter);
    return true;
  }

  async #give(adapter: Adapter): Promise<void> {
    await this.#handOut(adapter);
    this.#handedOut = true;
  }
}

function read({ spec, modules, parameters }: Trained): Promise<Adapter> {
  return readAdapterBack(spec, modules, parameters);
}
