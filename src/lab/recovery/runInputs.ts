/**
 * @file What a run needs that a page forgets when it is closed: files and folders chosen by hand, adapters added in a
 * tab, a token.
 *
 * They are chosen again before a run is resumed. Whether they are the same is not a matter of names: the run compares
 * digests of rows and weights with those in its snapshot, and refuses others.
 */
import { judgeNamed } from "../../eval/judges/registry.ts";
import type { Spec } from "../../experiment/spec/spec.ts";
import { bindMethod } from "../../methods/registry.ts";
import { safeAdapterFile } from "../../methods/stages.ts";
import { ADDED_ADAPTER } from "../worker/protocol/adapterNames.ts";
import type { SnapshotInfo } from "./snapshots.ts";

export interface RunInput {
  /** "token": the run goes on without where what it names needs none, or is kept in this browser. */
  readonly kind: "file" | "folder" | "adapter" | "token";
  /** As the spec names it; the token has none. */
  readonly name: string;
}

/** What this tab has. */
export interface AvailableInputs {
  readonly files: ReadonlySet<string>;
  /** Without the "folder:" of the spec. */
  readonly folders: readonly string[];
  /** Ids, as the spec has them. */
  readonly adapters: ReadonlySet<string>;
  readonly token: boolean;
}

const FOLDER = "folder:";

export function runInputs(
  spec: Spec,
  token: boolean,
  checkpoint: Pick<SnapshotInfo, "stage"> | null,
): readonly RunInput[] {
  const { data, eval: evaluation, model, lora } = spec;
  const { rows, before } = bindMethod(spec.method);
  const { task, harmful } = evaluation;
  const files = [
    data.train.source === "file" ? data.train.path : null,
    task?.source === "file" ? task.path : null,
    harmful?.source === "file" ? harmful.path : null,
    rows.safety?.file ?? null,
  ];
  const judges = [harmful?.judge, harmful?.second_judge].flatMap((judge) =>
    judge ? judgeNamed(judge.kind).models(judge) : [],
  );
  const folders = [model.aligned, model.unaligned, ...judges].map((name) =>
    name?.startsWith(FOLDER) ? name.slice(FOLDER.length) : null,
  );
  // A checkpoint holds what was made of the start adapter, unless the run has yet to come back to it.
  const starts = checkpoint?.stage === "training" ? [] : [lora.init_adapter];
  const adapters = [...starts, safeAdapterFile(before)].filter((name) => name?.startsWith(ADDED_ADAPTER));
  return [
    ...named(
      "file",
      files.filter((path) => path === null || !/^https?:\/\//i.test(path)),
    ),
    ...named("folder", folders),
    ...named("adapter", adapters),
    ...(token ? [{ kind: "token", name: "" } as const] : []),
  ];
}

export function isAvailable({ kind, name }: RunInput, present: AvailableInputs): boolean {
  switch (kind) {
    case "file":
      return present.files.has(name);
    case "folder":
      return present.folders.includes(name);
    case "adapter":
      return present.adapters.has(name);
    case "token":
      return present.token;
  }
}

/** Whether a run cannot go on before this is there. */
export function isRequired({ kind }: RunInput): boolean {
  return kind !== "token";
}

function named(kind: RunInput["kind"], names: readonly (string | null | undefined)[]): RunInput[] {
  return [...new Set(names)].flatMap((name) => (name == null ? [] : [{ kind, name }]));
}
