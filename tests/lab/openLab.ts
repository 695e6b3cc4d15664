/** @file A lab without React and without workers: the test reads what it sends and says what the worker answers. */
import { BasinError } from "../../src/base/error.ts";
import { createLab, type Lab, type LabOptions } from "../../src/lab/lab.ts";
import { HostController } from "../../src/lab/shell/hosts/hostController.ts";
import type { StoredRun } from "../../src/lab/runs/storedRun.ts";
import type { Collection } from "../../src/lab/storage/collection.ts";
import { codec } from "../../src/lab/setup/codec.ts";
import { LabClient, type LabPort, type PortFailure, type Schedule } from "../../src/lab/worker/client.ts";
import type { LabMessage, LabReply, LabRequest } from "../../src/lab/worker/protocol/messages.ts";
import { FakeBrowser, memorySession } from "./recovery/support.ts";
import { memoryStorage } from "./memoryStorage.ts";
import { runArchive } from "./sharedRecords.ts";

/** A worker that notes what it is told and says what the test tells it to say. */
export class ScriptedWorker implements LabPort {
  readonly messages: LabMessage[] = [];
  #listener: (message: LabReply) => void = () => undefined;
  #onFailure: (failure: PortFailure) => void = () => undefined;

  postMessage(message: LabMessage): void {
    this.messages.push(message);
  }

  onMessage(listener: (message: LabReply) => void): void {
    this.#listener = listener;
  }

  onFailure(listener: (failure: PortFailure) => void): void {
    this.#onFailure = listener;
  }

  say(...replies: readonly LabReply[]): void {
    for (const reply of replies) this.#listener(reply);
  }

  fail(what: string, worker: PortFailure["worker"] = "running"): void {
    this.#onFailure({ error: new BasinError({ what, where: "GPU worker", fix: "Reload the page." }), worker });
  }

  /** The newest request of this name. */
  request<Name extends LabRequest["name"]>(name: Name): Extract<LabRequest, { name: Name }> {
    const found = this.messages.findLast((message) => message.type === "request" && message.name === name);
    if (found === undefined) throw new Error(`no request ${name}`);
    return found as Extract<LabRequest, { name: Name }>;
  }
}

export interface OpenedLab {
  readonly lab: Lab;
  readonly worker: ScriptedWorker;
  readonly browser: FakeBrowser;
}

export interface OpenLabOptions extends Partial<Pick<LabOptions, "now" | "newId" | "later">> {
  readonly runs?: Collection<StoredRun>;
  /** A tab of a browser that several tabs share. */
  readonly tab?: ReturnType<FakeBrowser["tab"]>;
  /** When events are delivered; at once where absent. */
  readonly schedule?: Schedule;
}

export function openLab({ runs, tab, schedule, now, newId, later }: OpenLabOptions = {}): OpenedLab {
  const worker = new ScriptedWorker();
  const browser = new FakeBrowser();
  const archives = tab ?? browser.tab();
  let ids = 0;
  const lab = createLab({
    client: new LabClient(worker, schedule ?? ((flush) => flush())),
    codec,
    archives: runs === undefined ? archives : { ...archives, runs: runArchive(runs) },
    storage: memoryStorage(),
    hosts: new HostController({
      saved: memorySession(),
      home: "https://lab.example/",
      addressHub: null,
    }),
    now: now ?? (() => 0),
    newId: newId ?? (() => `id${(ids += 1)}`),
    ...(later === undefined ? {} : { later }),
  });
  return { lab, worker, browser };
}
