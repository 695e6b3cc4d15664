/**
 * @file The experiment being edited: one JSON document, checked after every change.
 *
 * The draft contains only the fields that are set; the check fills in the defaults. This keeps links short, and the
 * form can distinguish a default from a choice. Form and JSON view edit the same draft. Text that is not valid JSON
 * stays in `typing` and does not change the draft.
 *
 * A `SpecCodec` checks drafts and writes links; the real one is in codec.ts.
 */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { RunFailure } from "../../experiment/run/events.ts";
import { canonical } from "../../experiment/spec/canonical.ts";
import type { Spec } from "../../experiment/spec/spec.ts";
import { isJsonObject, sameJson, setPath, type Json, type JsonObject } from "../support/json.ts";

/** Something that makes a draft invalid. */
export interface SpecProblem {
  /** "train.learning_rate"; "" for the document as a whole. */
  readonly path: string;
  readonly message: string;
  readonly fix: string;
}

export type SpecCheck =
  | { readonly kind: "valid" /** Every default filled in. */; readonly spec: Spec }
  | { readonly kind: "invalid"; readonly problems: readonly SpecProblem[] };

export interface Preset {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly draft: JsonObject;
}

export interface SpecCodec {
  check(draft: JsonObject): SpecCheck;
  readonly presets: readonly Preset[];
  /** The URL fragment (without "#") for a draft. */
  toFragment(draft: JsonObject): string;
  /**
   * The draft in a fragment; null if it contains none.
   * @throws BasinError for a link that is truncated, damaged or from a newer version
   */
  fromFragment(fragment: string): JsonObject | null;
  /** The shortest draft for a complete spec. */
  toDraft(spec: Spec): JsonObject;
  /** The syntax error of a text, with line and column; null for valid JSON. */
  syntaxError(text: string): string | null;
}

export type SpecOrigin =
  | { readonly kind: "preset"; readonly id: string }
  | { readonly kind: "link" }
  | /** A card of Start. */ { readonly kind: "start" }
  | { readonly kind: "run"; readonly runId: string }
  | { readonly kind: "edited" };

/** Text in the JSON editor. */
export interface Typing {
  readonly text: string;
  /** null if the draft matches the text. */
  readonly error: string | null;
}

/** A link that could not be opened, with its text so that it can be copied. */
export interface LinkProblem {
  readonly failure: RunFailure;
  readonly fragment: string;
}

export interface SpecState {
  readonly draft: JsonObject;
  readonly check: SpecCheck;
  readonly origin: SpecOrigin;
  readonly typing: Typing | null;
  readonly linkProblem: LinkProblem | null;
  /** The draft before it was last replaced as a whole, for undo. */
  readonly replaced: JsonObject | null;
  /** What would replace settings that were edited and never run: the user is asked first. */
  readonly waiting: WaitingSettings | null;
  /** Sets one field; undefined restores its default. */
  readonly set: (path: string, value: Json | undefined) => void;
  /**
   * Replaces the whole draft (preset, link, earlier run). Edited settings that were never run stay until the user
   * agrees (`waiting`); only a preset, which is chosen beside them and can be undone there, takes their place at once.
   * @param starts a run of it is wanted, which waits with it
   */
  readonly replace: (draft: JsonObject, origin: SpecOrigin, starts?: boolean) => "replaced" | "waiting";
  readonly acceptWaiting: () => void;
  readonly dismissWaiting: () => void;
  readonly undoReplace: () => void;
  readonly type: (text: string) => void;
  /** Leaves the JSON editor: valid text is replaced with the formatted draft, invalid text stays. */
  readonly endTyping: () => void;
  readonly discardTyping: () => void;
  readonly openFragment: (fragment: string) => "opened" | "waiting" | "empty" | "failed";
  readonly dismissLinkProblem: () => void;
}

export interface WaitingSettings {
  readonly draft: JsonObject;
  readonly origin: SpecOrigin;
  /** A run of it was asked for. */
  readonly starts: boolean;
}

export type SpecStore = StoreApi<SpecState>;

export interface SpecStoreOptions {
  /** Whether a run of these settings is saved, so that they can be replaced without loss. */
  readonly isSaved?: (spec: Spec) => boolean;
  /** Called when the user has edited the draft. */
  readonly edited?: (before: JsonObject, after: JsonObject) => void;
}

export function createSpecStore(
  codec: SpecCodec,
  describeError: (error: unknown) => RunFailure,
  { isSaved = () => false, edited = () => undefined }: SpecStoreOptions = {},
): SpecStore {
  const first = codec.presets[0];
  const initial: JsonObject = first?.draft ?? {};
  return createStore<SpecState>()((set, get) => ({
    ...taken(codec, initial),
    origin: first === undefined ? { kind: "edited" } : { kind: "preset", id: first.id },
    typing: null,
    linkProblem: null,
    replaced: null,
    waiting: null,
    set: (path, value) => {
      const before = get().draft;
      const draft = setPath(before, path, value);
      if (sameJson(draft, before)) return;
      edited(before, draft);
      set({ ...taken(codec, draft), origin: originOf(codec, draft), typing: null, replaced: null });
    },
    replace: (draft, origin, starts = false) => {
      const waits = origin.kind !== "preset" && wouldLose(get(), codec, draft, isSaved);
      set(waits ? { waiting: { draft, origin, starts } } : replacedBy(get(), codec, draft, origin));
      return waits ? "waiting" : "replaced";
    },
    acceptWaiting: () => {
      const { waiting } = get();
      if (waiting !== null) set(replacedBy(get(), codec, waiting.draft, waiting.origin));
    },
    dismissWaiting: () => set({ waiting: null }),
    undoReplace: () => {
      const { replaced } = get();
      if (replaced !== null)
        set({ ...taken(codec, replaced), origin: originOf(codec, replaced), typing: null, replaced: null });
    },
    type: (text) => {
      const parsed = parse(codec, text);
      if (parsed.kind === "error") return set({ typing: { text, error: parsed.error } });
      const { draft } = parsed;
      edited(get().draft, draft);
      set({ ...taken(codec, draft), origin: originOf(codec, draft), typing: { text, error: null }, replaced: null });
    },
    endTyping: () => {
      if (get().typing?.error === null) set({ typing: null });
    },
    discardTyping: () => set({ typing: null }),
    openFragment: (fragment) => {
      try {
        const draft = codec.fromFragment(fragment);
        if (draft === null) return "empty";
        return get().replace(draft, { kind: "link" }) === "replaced" ? "opened" : "waiting";
      } catch (error) {
        set({ linkProblem: { failure: describeError(error), fragment } });
        return "failed";
      }
    },
    dismissLinkProblem: () => set({ linkProblem: null }),
  }));
}

function taken(codec: SpecCodec, draft: JsonObject): Pick<SpecState, "draft" | "check"> {
  return { draft, check: codec.check(draft) };
}

/** The change of the state when `draft` takes the place of the whole draft. */
function replacedBy(before: SpecState, codec: SpecCodec, draft: JsonObject, origin: SpecOrigin): Partial<SpecState> {
  const isEdited = before.origin.kind === "edited" && !sameJson(before.draft, draft);
  const replaced = isEdited ? before.draft : null;
  return { ...taken(codec, draft), origin, typing: null, linkProblem: null, replaced, waiting: null };
}

/** Whether `draft` in place of the present settings would lose something. */
function wouldLose(
  { origin, draft: now, check }: SpecState,
  codec: SpecCodec,
  draft: JsonObject,
  isSaved: (spec: Spec) => boolean,
): boolean {
  if (origin.kind !== "edited" || sameJson(now, draft)) return false;
  if (check.kind === "invalid") return true;
  const next = codec.check(draft);
  const isSame = next.kind === "valid" && canonical(next.spec) === canonical(check.spec);
  return !isSame && !isSaved(check.spec);
}

/** The address that reproduces a draft. @param page address of this page */
export function experimentLink(codec: SpecCodec, page: string, draft: JsonObject): string {
  return `${pageForLinks(page)}#${codec.toFragment(draft)}`;
}

/**
 * The page's address as links carry it: without its fragment and without the hub that this reader's own address may
 * name, which nobody else should load from.
 */
export function pageForLinks(page: string): string {
  const address = new URL(page);
  address.hash = "";
  address.searchParams.delete("hubUrl");
  return address.href;
}

/** A draft that equals a preset counts as that preset. */
function originOf(codec: SpecCodec, draft: JsonObject): SpecOrigin {
  const preset = codec.presets.find((candidate) => sameJson(candidate.draft, draft));
  return preset === undefined ? { kind: "edited" } : { kind: "preset", id: preset.id };
}

function parse(
  codec: SpecCodec,
  text: string,
): { readonly kind: "draft"; readonly draft: JsonObject } | { readonly kind: "error"; readonly error: string } {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value)
      ? { kind: "draft", draft: value }
      : { kind: "error", error: "A spec is a JSON object: it starts with { and ends with }." };
  } catch (error) {
    return { kind: "error", error: codec.syntaxError(text) ?? String(error) };
  }
}
