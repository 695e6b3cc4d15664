/** @file Files and adapters that a spec names: the worker gets them before it needs them. */
import type { Spec } from "../../experiment/spec/spec.ts";
import { bindMethod } from "../../methods/registry.ts";
import { safeAdapterFile } from "../../methods/stages.ts";
import type { ChatStore } from "../chat/chatStore.ts";
import type { RunsStore } from "../runs/runsStore.ts";
import { ContentNames, fileDigest } from "../support/contentNames.ts";
import type { LabClient } from "../worker/client.ts";
import { ADDED_ADAPTER, RUN_ADAPTER } from "../worker/protocol/adapterNames.ts";

export interface InputControllerOptions {
  readonly client: LabClient;
  readonly history: RunsStore;
  readonly chat: ChatStore;
  /** Called with the name of an attached file: anything derived from an earlier file of that name is outdated. */
  readonly onFile: (name: string) => void;
}

export class InputController {
  readonly #options: InputControllerOptions;
  readonly #names = new ContentNames();

  constructor(options: InputControllerOptions) {
    this.#options = options;
  }

  /** @returns how a spec names the file: as it is called, unless another file of this name was chosen before */
  async attachFile(file: File): Promise<string> {
    const name = await this.#names.nameFor(file.name, fileDigest(file));
    this.#attach(file, name);
    return name;
  }

  /** The file that a spec names `name`, in place of one that was chosen for it before. */
  attachFileAs(name: string, file: File): void {
    this.#names.replace(name, fileDigest(file));
    this.#attach(file, name);
  }

  #attach(file: File, name: string): void {
    this.#options.client.send({ type: "attach", files: new Map([[name, file]]) });
    this.#options.onFile(name);
  }

  /** The adapters of the history or of the chat that a spec names. */
  attachAdaptersOf({ lora, method }: Spec): void {
    for (const name of [lora.init_adapter, safeAdapterFile(bindMethod(method).before)])
      if (name !== null) this.#attachAdapter(name);
  }

  #attachAdapter(name: string): void {
    const { client, history, chat } = this.#options;
    const run = name.startsWith(RUN_ADAPTER)
      ? history.getState().runs.find(({ runId }) => runId === name.slice(RUN_ADAPTER.length))
      : undefined;
    const added = name.startsWith(ADDED_ADAPTER)
      ? chat.getState().addedAdapters.find(({ id }) => id === name)
      : undefined;
    const files = run?.adapter ?? added?.files;
    if (files) client.send({ type: "attach_adapter", name, files });
  }
}
