/** @file What experiments read in a browser: models through the weights worker, files chosen in the page, addresses. */
import { BasinError } from "../../engine/error.ts";
import type { RunEnvironment } from "../../experiment/environment.ts";
import type { AdapterFiles } from "../../weights/adapterFile.ts";
import type { SourceDescriptor } from "../../weights/descriptor.browser.ts";
import type { RemoteCheckpoint, WeightsClient } from "../../weights/workerReader.ts";
import { RUN_ADAPTER } from "./protocol.ts";

export class PageEnvironment implements RunEnvironment {
  readonly versions: Readonly<Record<string, string>>;
  readonly #client: WeightsClient<SourceDescriptor>;
  readonly #home: string;
  readonly #files = new Map<string, File>();
  readonly #adapters = new Map<string, AdapterFiles>();
  #opened: RemoteCheckpoint[] = [];

  /** @param home address of the folder that the page is served from */
  constructor(client: WeightsClient<SourceDescriptor>, home: string, versions: Readonly<Record<string, string>>) {
    this.#client = client;
    this.#home = home;
    this.versions = versions;
  }

  attachFiles(files: ReadonlyMap<string, File>): void {
    for (const [name, file] of files) this.#files.set(name, file);
  }

  attachAdapter(name: string, files: AdapterFiles): void {
    this.#adapters.set(name, files);
  }

  async openModel(name: string, signal?: AbortSignal): Promise<RemoteCheckpoint> {
    const checkpoint = await this.#client.open({ kind: "url", base: modelAddress(name, this.#home), name }, signal ? { signal } : {});
    this.#opened.push(checkpoint);
    return checkpoint;
  }

  async readText(path: string, signal?: AbortSignal): Promise<string> {
    const attached = this.#files.get(path);
    if (attached !== undefined) return attached.text();
    if (!isAddress(path)) {
      throw new BasinError({ what: `The file ${path} has not been chosen in this tab`, where: "data.train.path", fix: "Choose it in Setup under Data, or give an address that begins with https://." });
    }
    return new TextDecoder().decode(await fetchFile(path, signal));
  }

  async readAdapter(path: string, signal?: AbortSignal): Promise<AdapterFiles> {
    const known = this.#adapters.get(path);
    if (known !== undefined) return known;
    if (path.startsWith(RUN_ADAPTER)) {
      throw new BasinError({ what: `There is no run ${path.slice(RUN_ADAPTER.length)} with an adapter in this browser`, where: "lora.init_adapter", fix: "Clear the field to start from a fresh adapter, or choose a run of the history." });
    }
    if (!isAddress(path)) {
      throw new BasinError({ what: `The adapter ${path} cannot be read: a page has no access to folders by name`, where: "lora.init_adapter", fix: "Give an address that begins with https://, or use the command line." });
    }
    const base = path.endsWith("/") ? path : `${path}/`;
    return {
      "adapter_config.json": await fetchFile(`${base}adapter_config.json`, signal),
      "adapter_model.safetensors": await fetchFile(`${base}adapter_model.safetensors`, signal),
    };
  }

  now(): number {
    return performance.now();
  }

  /** Lets the weights worker forget the checkpoints that were opened since the last call. */
  release(): void {
    for (const checkpoint of this.#opened) checkpoint.close();
    this.#opened = [];
  }
}

/** A bare name is a bundled model; anything with a slash is an address, taken from the page's folder where relative. */
export function modelAddress(name: string, home: string): string {
  return name.includes("/") ? new URL(name, home).href : new URL(`models/${encodeURIComponent(name)}/`, home).href;
}

function isAddress(path: string): boolean {
  return /^https?:\/\//.test(path);
}

async function fetchFile(address: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  let answer: Response;
  try {
    answer = await fetch(address, signal ? { signal } : {});
  } catch (cause) {
    signal?.throwIfAborted();
    throw new BasinError({ what: "The address cannot be reached", where: address, fix: "Check it, and whether its server allows other pages to read it (CORS).", cause });
  }
  if (!answer.ok) throw new BasinError({ what: `The server answers ${answer.status} ${answer.statusText}`.trim(), where: address, fix: "Check the address." });
  return new Uint8Array(await answer.arrayBuffer());
}
