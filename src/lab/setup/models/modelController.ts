/** @file Facts about the models in the settings, the folders chosen in this tab, and access to the Hub. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { RunFailure } from "../../../experiment/run/events.ts";
import type { SourceDescriptor } from "../../../weights/descriptor.browser.ts";
import { ContentNames, folderDigest } from "../../support/contentNames.ts";
import { toFailure } from "../../support/failure.ts";
import type { LabClient } from "../../worker/client.ts";
import type { LabEvent } from "../../worker/protocol/messages.ts";
import type { ModelFacts } from "../../worker/modelFacts.ts";

/** The model that is fine-tuned, or the one it is compared with (which needs no tokenizer). */
export type ModelRole = "aligned" | "unaligned";

export type FactsState =
  | { readonly kind: "opening" }
  | { readonly kind: "known"; readonly facts: ModelFacts }
  | { readonly kind: "failed"; readonly failure: RunFailure };

export interface ModelsState {
  /** By `factsKey`. */
  readonly facts: Readonly<Record<string, FactsState>>;
  /** Names of the folders chosen in this tab. */
  readonly folders: readonly string[];
  readonly hasToken: boolean;
  /** A mirror of the Hub; null for huggingface.co. */
  readonly hubUrl: string | null;
}

export function factsKey(role: ModelRole, name: string): string {
  return `${role} ${name}`;
}

function nameOf(key: string): string {
  return key.slice(key.indexOf(" ") + 1);
}

/** A folder of this computer that is not attached yet. */
export interface FoundFolder {
  readonly name: string;
  readonly source: SourceDescriptor;
}

/** The models of this tab: asks the worker about them, and passes it folders and the Hub's token. */
export class ModelController {
  readonly store: StoreApi<ModelsState>;
  readonly #client: LabClient;
  readonly #changed: () => void;
  readonly #names = new ContentNames();
  #token: string | undefined;

  /**
   * @param changed called when a name may refer to something else than before: plans and rows must be requested again
   */
  constructor(client: LabClient, hubUrl: string | null, changed: () => void) {
    this.#client = client;
    this.#changed = changed;
    this.store = createStore<ModelsState>()(() => ({ facts: {}, folders: [], hasToken: false, hubUrl }));
    if (hubUrl !== null) this.#tellHub();
  }

  /** Opens a model's headers, unless that has been done. */
  async inspect(role: ModelRole, name: string): Promise<void> {
    const key = factsKey(role, name);
    if (this.store.getState().facts[key] !== undefined) return;
    const opening: FactsState = { kind: "opening" };
    this.#put(key, opening);
    const settled = await this.#client.request("inspect", { name, tokenizer: role === "aligned" }).then(
      (facts): FactsState => ({ kind: "known", facts }),
      (error: unknown): FactsState => ({ kind: "failed", failure: toFailure(error, name) }),
    );
    // Forgotten meanwhile (another token, another folder of that name): then somebody asks again.
    if (this.store.getState().facts[key] === opening) this.#put(key, settled);
  }

  /** Asks again about a model that could not be opened. */
  retry(name: string): void {
    this.#forget((known) => known === name);
    this.#changed();
  }

  /**
   * Takes folders in. @returns how a spec names them ("folder:NAME"), in the same order: NAME is as they are called,
   * unless another folder of this name was chosen before
   */
  async attach(folders: readonly FoundFolder[]): Promise<string[]> {
    const names: string[] = [];
    for (const { name, source } of folders) {
      const given = await this.#names.nameFor(name === "" ? "folder" : name, folderDigest(source));
      this.#attach(given, source);
      names.push(`folder:${given}`);
    }
    return names;
  }

  /** The folder that a spec names `folder:NAME`, in place of one that was chosen for it before. */
  attachAs(name: string, { source }: FoundFolder): void {
    this.#names.replace(name, folderDigest(source));
    this.#attach(name, source);
  }

  #attach(name: string, source: SourceDescriptor): void {
    this.#client.send({ type: "attach_folder", name, source });
    this.store.setState(({ folders: known }) => ({ folders: [...new Set([...known, name])] }));
    this.retry(`folder:${name}`);
  }

  /** The token stays in memory: here and in the workers. An empty one is none. */
  setToken(token: string): void {
    const next = token.trim() === "" ? undefined : token.trim();
    if (next === this.#token) return;
    this.#token = next;
    this.store.setState({ hasToken: this.#token !== undefined });
    this.#hubChanged();
  }

  setHubUrl(hubUrl: string | null): void {
    if (hubUrl === this.store.getState().hubUrl) return;
    // A token is for the hub that it was given for.
    this.#token = undefined;
    this.store.setState({ hubUrl, hasToken: false });
    this.#hubChanged();
  }

  onEvents(events: readonly LabEvent[]): void {
    // What a lost worker was asked, the next one is asked again.
    if (events.some(({ type }) => type === "worker_lost"))
      this.store.setState(({ facts }) => ({
        facts: Object.fromEntries(Object.entries(facts).filter(([, { kind }]) => kind === "known")),
      }));
  }

  /** Asks again about models that could not be opened, because other hosts are allowed now. */
  hostsChanged(): void {
    const failed = Object.entries(this.store.getState().facts).filter(([, { kind }]) => kind === "failed");
    const names = new Set(failed.map(([key]) => nameOf(key)));
    this.#forget((name) => names.has(name));
    this.#changed();
  }

  #hubChanged(): void {
    this.#tellHub();
    this.#forget((name) => !name.startsWith("folder:") && name.includes("/"));
    this.#changed();
  }

  #tellHub(): void {
    const { hubUrl } = this.store.getState();
    this.#client.send({
      type: "hub_access",
      access: { ...(this.#token === undefined ? {} : { token: this.#token }), ...(hubUrl === null ? {} : { hubUrl }) },
    });
  }

  #forget(which: (name: string) => boolean): void {
    this.store.setState(({ facts }) => ({
      facts: Object.fromEntries(Object.entries(facts).filter(([key]) => !which(nameOf(key)))),
    }));
  }

  #put(key: string, state: FactsState): void {
    this.store.setState(({ facts }) => ({ facts: { ...facts, [key]: state } }));
  }
}
