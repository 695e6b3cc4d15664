/** @file Adapters that can answer in the chat: those of runs, and PEFT folders that are added in this tab. */
import { BasinError } from "../../base/error.ts";
import type { Spec } from "../../experiment/spec/spec.ts";
import { bindMethod } from "../../methods/registry.ts";
import type { TriggerText } from "../../text/trigger.ts";
import { adapterSettings, decodeAdapter, type Adapter, type AdapterFiles } from "../../weights/adapterFile.ts";
import { methodSettings, methodTitle } from "../run/labels.ts";
import { READING } from "../runs/reading/copy.ts";
import type { RunSummary } from "../runs/runSummary.ts";
import type { StoredRun } from "../runs/storedRun.ts";
import { moment } from "../support/format.ts";
import type { JsonObject } from "../support/json.ts";
import { ADDED_ADAPTER, RUN_ADAPTER } from "../worker/protocol/adapterNames.ts";
import { ADAPTER } from "./copy.ts";

export interface ChatAdapter {
  /** As `lora.init_adapter` names it. */
  readonly id: string;
  readonly title: string;
  readonly note: string;
  /** Those of a run are read when they are needed. @throws BasinError when that fails */
  readonly files: () => Promise<AdapterFiles>;
  /** The pair that it was trained on; null when that is not known (the pair of Setup is asked). */
  readonly spec: Spec | null;
}

/** The adapters of the history's runs, newest first. @param read a whole run */
export function runAdapters(runs: readonly RunSummary[], read: (runId: string) => Promise<StoredRun>): ChatAdapter[] {
  return runs.flatMap(({ runId, spec, hasAdapter, endedAt }) =>
    hasAdapter
      ? [
          {
            id: `${RUN_ADAPTER}${runId}`,
            title: `${methodTitle(spec.method)}, ${methodSettings(spec.method)}`,
            note: moment(endedAt).slice(5),
            files: async () => adapterOf(await read(runId)),
            spec,
          },
        ]
      : [],
  );
}

/** @throws BasinError when the run has none */
export function adapterOf({ adapter }: Pick<StoredRun, "adapter">): AdapterFiles {
  if (adapter === null) throw new BasinError(READING.noAdapter);
  return adapter;
}

/** The trigger that the method puts before every prompt; null for most methods. */
export function adapterTrigger({ spec }: Pick<ChatAdapter, "spec">): TriggerText | null {
  return spec === null ? null : bindMethod(spec.method).rows.trigger(spec.train.seed);
}

const CONFIG = "adapter_config.json";
const WEIGHTS = "adapter_model.safetensors";

/**
 * The adapter among files that were chosen or dropped (a folder, or its two files).
 * @throws BasinError when one of the two is missing, there are several, or the adapter is not one that Basin reads
 */
export async function readAdapterFolder(files: readonly File[]): Promise<ChatAdapter> {
  const config = only(files, CONFIG);
  const weights = only(files, WEIGHTS);
  const pieces: AdapterFiles = {
    [CONFIG]: new Uint8Array(await config.arrayBuffer()),
    [WEIGHTS]: new Uint8Array(await weights.arrayBuffer()),
  };
  const folder = config.webkitRelativePath.split("/").slice(0, -1).at(-1);
  const adapter = decodeAdapter(pieces, folder ?? ADAPTER.selectedFiles);
  const title = folder ?? ADAPTER.untitled;
  return {
    id: `${ADDED_ADAPTER}${title}/${fingerprint(pieces[WEIGHTS])}`,
    title,
    note: describe(adapter),
    files: async () => pieces,
    spec: null,
  };
}

/**
 * An adapter of the hub or of an address, which a spec can name as it is. @throws BasinError when it is not one that
 * Basin reads
 */
export function namedAdapter(name: string, files: AdapterFiles): ChatAdapter {
  const title =
    name
      .split("/")
      .filter((part) => part !== "")
      .at(-1) ?? name;
  return { id: name, title, note: describe(decodeAdapter(files, name)), files: async () => files, spec: null };
}

function only(files: readonly File[], name: string): File {
  const found = files.filter((file) => file.name === name);
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  const pickle = files.some((file) => file.name === "adapter_model.bin");
  throw new BasinError({
    what: first === undefined ? ADAPTER.missing(name) : ADAPTER.several(found.length, name),
    where: "adapter",
    fix: pickle ? ADAPTER.pickle : ADAPTER.selectOne(CONFIG, WEIGHTS),
  });
}

/** FNV-1a: distinguishes adapters with the same name. */
function fingerprint(bytes: Uint8Array): string {
  let hash = 2166136261;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 16777619) >>> 0;
  return hash.toString(16);
}

function describe({ modules }: Adapter): string {
  const ranks = [...new Set(modules.map(({ r }) => r))].sort((a, b) => a - b);
  const names = [...new Set(modules.map(({ path }) => path.slice(path.lastIndexOf(".") + 1)))];
  return `r ${ranks.join(", ")} on ${names.length > 4 ? `${modules.length} modules` : names.join(", ")}`;
}

/** The `lora` part of a spec that trains on from this adapter. @throws BasinError as `files` and `decodeAdapter` */
export async function continueSettings({ id, files }: Pick<ChatAdapter, "id" | "files">): Promise<JsonObject> {
  const decoded = decodeAdapter(await files(), id);
  const { target_modules, rank_pattern = {}, alpha_pattern = {}, ...plain } = adapterSettings(decoded);
  return {
    ...plain,
    rank_pattern: { ...rank_pattern },
    alpha_pattern: { ...alpha_pattern },
    target_modules,
    init_adapter: id,
  };
}
