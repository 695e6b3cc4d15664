/**
 * @file Delivers the trained adapter once, whatever happens: as it stands on the device, or, when the device is lost,
 * as the host last copied it.
 */
import type { AdapterOnDevice } from "../../model/lora.ts";
import type { Adapter } from "../../weights/adapterFile.ts";
import type { Spec } from "../spec/spec.ts";
import { readAdapterBack } from "./adapters.ts";

/** The adapter is copied to the host at most this often. */
const COPY_MS = 20_000;

/** An adapter on the device with the settings that describe it. */
export interface TrainedAdapter extends AdapterOnDevice {
  readonly spec: Spec;
}

export class AdapterDelivery {
  readonly #receive: (adapter: Adapter) => Promise<void> | void;
  /** Milliseconds. */
  readonly #now: () => number;
  #trained: TrainedAdapter | null = null;
  #copy: Adapter | null = null;
  #copiedAt = 0;
  #delivered = false;

  constructor(receive: ((adapter: Adapter) => Promise<void> | void) | undefined, now: () => number) {
    this.#receive = receive ?? (() => undefined);
    this.#now = now;
  }

  get delivered(): boolean {
    return this.#delivered;
  }

  /** From now on this is the adapter to deliver: the one that is being trained, or what the method made of it. */
  track(trained: TrainedAdapter): void {
    this.#trained = trained;
    this.#copiedAt = this.#now();
  }

  /** Between two steps: copies the adapter to the host when the last copy is old. */
  async copyIfDue(): Promise<void> {
    if (this.#trained === null || this.#now() - this.#copiedAt < COPY_MS) return;
    this.#copiedAt = this.#now();
    this.#copy = await read(this.#trained);
  }

  async deliver(): Promise<void> {
    if (this.#trained === null) throw new Error("nothing was trained");
    await this.#give(await read(this.#trained));
  }

  /**
   * After a failure.
   * @param lost the device can no longer be read
   * @returns whether there was an adapter
   * @throws what the receiver throws
   */
  async rescue(lost: boolean): Promise<boolean> {
    if (this.#delivered) return true;
    if (this.#trained === null) return false;
    const adapter = lost ? this.#copy : await read(this.#trained).catch(() => this.#copy);
    if (adapter === null) return false;
    await this.#give(adapter);
    return true;
  }

  async #give(adapter: Adapter): Promise<void> {
    await this.#receive(adapter);
    this.#delivered = true;
  }
}

function read({ spec, modules, parameters }: TrainedAdapter): Promise<Adapter> {
  return readAdapterBack(spec, modules, parameters);
}
