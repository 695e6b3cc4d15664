/** @file Files and adapters that a spec names: the worker gets them before it needs them. */
import type { Spec } from "../../experiment/spec/spec.ts";
import { bindMethod } from "../../methods/registry.ts";
import { safeAdapterFile } from "../../methods/stages.ts";
import type { AdapterFiles } from "../../weights/adapterFile.ts";
import type { ChatStore } from "../chat/chatStore.ts";
import type { HistoryController } from "../runs/historyController.ts";
import { ContentNames, fileDigest } from "../support/contentNames.ts";
import type { LabClient } from "../worker/client.ts";
import { ADDED_ADAPTER, RUN_ADAPTER } from "../worker/protocol/adapterNames.ts";

export interface InputControllerOptions {
  readonly client: LabClient;
  readonly history: Pick<HistoryController, "runs" | "read">;
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

  /**
   * The adapters of the history or of the chat that a spec names go to the worker.
   * @returns once they are on their way; null where there are none to wait for
   * @throws BasinError when an adapter cannot be read
   */
  attachAdaptersOf({ lora, method }: Spec): Promise<void> | null {
    const attaching = [lora.init_adapter, safeAdapterFile(bindMethod(method).before)].flatMap((name) => {
      const files = name === null ? null : this.#adapter(name);
      return name === null || files === null ? [] : [files.then((read) => this.#attachAdapter(name, read))];
    });
    return attaching.length === 0 ? null : Promise.all(attaching).then(() => undefined);
  }

  #attachAdapter(name: string, files: AdapterFiles | null): void {
    if (files !== null) this.#options.client.send({ type: "attach_adapter", name, files });
  }

  /** null where it is neither of the history nor of the chat. */
  #adapter(name: string): Promise<AdapterFiles | null> | null {
    const { history, chat } = this.#options;
    if (name.startsWith(RUN_ADAPTER)) {
      const runId = name.slice(RUN_ADAPTER.length);
      const isStored = history.runs.some((run) => run.runId === runId && run.hasAdapter);
      return isStored ? history.read(runId).then(({ adapter }) => adapter) : null;
    }
    const added = name.startsWith(ADDED_ADAPTER)
      ? chat.getState().addedAdapters.find(({ id }) => id === name)
      : undefined;
    return added?.files() ?? null;
  }
}
