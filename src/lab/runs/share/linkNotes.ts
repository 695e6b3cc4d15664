/** @file What whoever opens a link will miss: things that a link cannot hold, in sentences. */
import type { Spec } from "../../../experiment/spec/spec.ts";
import { parseModelName } from "../../../weights/modelName.ts";
import { ADDED_ADAPTER, RUN_ADAPTER } from "../../worker/protocol.ts";

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
  const here = isLocal(page);
  return [
    ...(here
      ? [
          "The address of this page opens on this computer only. Elsewhere the part after # works with any Basin: put it behind that one’s address.",
        ]
      : []),
    ...(files.length > 0
      ? [
          `The link names ${list(files)} and does not hold ${files.length === 1 ? "it" : "them"}: send ${files.length === 1 ? "the file" : "the files"} along.`,
        ]
      : []),
    ...(folders.length > 0
      ? [
          `The model in ${list(folders as string[])} is a folder of this computer: whoever opens the link has to choose one of the same name.`,
        ]
      : []),
    ...(adapter !== null && (adapter.startsWith(RUN_ADAPTER) || adapter.startsWith(ADDED_ADAPTER))
      ? ["Training starts from an adapter that is in this browser only: nobody else can run this as it is."]
      : []),
  ];
}

/** Whether an address means this computer, whoever opens it. */
function isLocal(page: string): boolean {
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
