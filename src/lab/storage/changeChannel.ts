/** @file Which records have changed, between the tabs of this browser. A tab does not hear itself. */

interface Change {
  readonly store: string;
  readonly key: string;
}

/** What is needed of a BroadcastChannel. */
type Channel = Pick<BroadcastChannel, "postMessage" | "addEventListener">;

export class ChangeChannel {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  announce(store: string, key: string): void {
    this.#channel.postMessage({ store, key } satisfies Change);
  }

  /** Calls with the keys of records of this store that other tabs change. */
  listen(store: string, listener: (key: string) => void): void {
    this.#channel.addEventListener("message", ({ data }: MessageEvent<Change>) => {
      if (data.store === store) listener(data.key);
    });
  }
}
