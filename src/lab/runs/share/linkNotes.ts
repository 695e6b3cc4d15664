/** @file What the recipient of a link will lack, because a link cannot contain it, in sentences. */
import type { Spec } from "../../../experiment/spec/spec.ts";
import { parseModelName } from "../../../weights/modelName.ts";
import { ADDED_ADAPTER, RUN_ADAPTER } from "../../worker/protocol/adapterNames.ts";
import { LINK_NOTES } from "../copy.ts";

/** @param page address of this page */
export function linkNotes(spec: Spec, page: string): readonly string[] {
  const { model, data, lora } = spec;
  const { task, harmful } = spec.eval;
  const files = [
    ...(data.train.source === "file" ? [data.train.path] : []),
    ...(task?.source === "file" ? [task.path] : []),
    ...(harmful?.source === "file" ? [harmful.path] : []),
  ].filter((path) => !/^https?:/.test(path));
  const folders = [model.aligned, model.unaligned].filter(
    (name) => name !== null && parseModelName(name).kind === "folder",
  );
  const { init_adapter: adapter } = lora;
  return [
    ...(isLocal(page) ? [LINK_NOTES.local] : []),
    ...(files.length > 0 ? [LINK_NOTES.files(list(files), files.length > 1)] : []),
    ...(folders.length > 0 ? [LINK_NOTES.folders(list(folders as string[]))] : []),
    ...(adapter !== null && (adapter.startsWith(RUN_ADAPTER) || adapter.startsWith(ADDED_ADAPTER))
      ? [LINK_NOTES.adapter]
      : []),
  ];
}

/** Whether an address works on this computer only. */
export function isLocal(page: string): boolean {
  const { hostname, protocol } = new URL(page);
  return (
    protocol === "file:" ||
    hostname === "localhost" ||
    hostname.endsWith(".localhost") ||
    hostname === "[::1]" ||
    /^127\./.test(hostname)
  );
}

function list(names: readonly string[]): string {
  return [...new Set(names)].join(", ");
}
