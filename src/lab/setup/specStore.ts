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
  /** Sets one field; undefined restores its default. */
  readonly set: (path: string, value: Json | undefined) => void;
  /** Replaces the whole draft (preset, link, earlier run). */
  readonly replace: (draft: JsonObject, origin: SpecOrigin) => void;
  readonly undoReplace: () => void;
  readonly type: (text: string) => void;
  /** Leaves the JSON editor: valid text is replaced with the formatted draft, invalid text stays. */
  readonly endTyping: () => void;
  readonly discardTyping: () => void;
  readonly openFragment: (fragment: string) => "opened" | "empty" | "failed";
  readonly dismissLinkProblem: () => void;
}

export type SpecStore = StoreApi<SpecState>;

export function createSpecStore(codec: SpecCodec, describeError: (error: unknown) => RunFailure): SpecStore {
  const first = codec.presets[0];
  const initial: JsonObject = first?.draft ?? {};
  return createStore<SpecState>()((set, get) => {
    const take = (draft: JsonObject): Pick<SpecState, "draft" | "check"> => ({ draft, check: codec.check(draft) });
    return {
      ...take(initial),
      origin: first === undefined ? { kind: "edited" } : { kind: "preset", id: first.id },
      typing: null,
      linkProblem: null,
      replaced: null,
      set: (path, value) => {
        const draft = setPath(get().draft, path, value);
        if (!sameJson(draft, get().draft))
          set({ ...take(draft), origin: originOf(codec, draft), typing: null, replaced: null });
      },
      replace: (draft, origin) => {
        const before = get();
        const edited = before.origin.kind === "edited" && !sameJson(before.draft, draft);
        set({ ...take(draft), origin, typing: null, linkProblem: null, replaced: edited ? before.draft : null });
      },
      undoReplace: () => {
        const { replaced } = get();
        if (replaced !== null)
          set({ ...take(replaced), origin: originOf(codec, replaced), typing: null, replaced: null });
      },
      type: (text) => {
        const parsed = parse(codec, text);
        if (parsed.kind === "draft")
          set({
            ...take(parsed.draft),
            origin: originOf(codec, parsed.draft),
            typing: { text, error: null },
            replaced: null,
          });
        else set({ typing: { text, error: parsed.error } });
      },
      endTyping: () => {
        if (get().typing?.error === null) set({ typing: null });
      },
      discardTyping: () => set({ typing: null }),
      openFragment: (fragment) => {
        try {
          const draft = codec.fromFragment(fragment);
          if (draft === null) return "empty";
          get().replace(draft, { kind: "link" });
          return "opened";
        } catch (error) {
          set({ linkProblem: { failure: describeError(error), fragment } });
          return "failed";
        }
      },
      dismissLinkProblem: () => set({ linkProblem: null }),
    };
  });
}

/** The address that reproduces a draft. @param page address of this page */
export function experimentLink(codec: SpecCodec, page: string, draft: JsonObject): string {
  return `${page.split("#")[0] ?? page}#${codec.toFragment(draft)}`;
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
