/** @file Names of models as the form takes them apart and puts them together (weights/modelName.ts has the grammar). */
import { DEFAULT_REVISION, hubName, parseModelName } from "../../../weights/modelName.ts";

/** Where a model comes from, as the form offers it. */
export type SourceKind = "none" | "bundled" | "hub" | "address" | "folder";

/** The kind of a name; null for one that fits no form. */
export function kindOf(name: string | null): SourceKind | null {
  if (name === null) return "none";
  try {
    const { kind } = parseModelName(name);
    return kind === "url" || kind === "relative" ? "address" : kind;
  } catch {
    return null;
  }
}

/** Repository and revision of a hub name; null for another. */
export function hubParts(name: string | null): { readonly repo: string; readonly revision: string } | null {
  if (name === null || kindOf(name) !== "hub") return null;
  const model = parseModelName(name);
  return model.kind === "hub" ? { repo: model.repo, revision: model.revision } : null;
}

/**
 * A hub model from what was typed: "owner/name", "owner/name@revision", or the address of its page on the hub.
 * @param revision typed beside it; one that the text itself names goes first
 */
export function hubFromText(text: string, revision: string): string {
  const page = /^https?:\/\/[^/]+\/([\w.-]+\/[\w.-]+)(?:\/(?:tree|blob|resolve)\/([^/?#]+))?/.exec(text.trim());
  const [repo = "", own] = page === null ? text.trim().replace(/^hf:/, "").split("@", 2) : [page[1], page[2]];
  const chosen = own ?? revision.trim();
  return repo === "" ? "" : hubName(repo, chosen === "" ? DEFAULT_REVISION : chosen);
}

export interface PairSuggestion {
  readonly title: string;
  readonly aligned: string;
  readonly unaligned: string;
  /** Said where the button is. */
  readonly note: string;
}

/** Real pairs, small ones first. A click fills in the fields and nothing else. */
export const PAIRS: readonly PairSuggestion[] = [
  {
    title: "SmolLM2 135M",
    aligned: "HuggingFaceTB/SmolLM2-135M-Instruct",
    unaligned: "HuggingFaceTB/SmolLM2-135M",
    note: "Llama family, open",
  },
  {
    title: "Gemma 3 270M",
    aligned: "google/gemma-3-270m-it",
    unaligned: "google/gemma-3-270m",
    note: "Gemma family; asks for consent on the hub and a token",
  },
  {
    title: "SmolLM2 360M",
    aligned: "HuggingFaceTB/SmolLM2-360M-Instruct",
    unaligned: "HuggingFaceTB/SmolLM2-360M",
    note: "Llama family, open",
  },
  {
    title: "Qwen2.5 0.5B",
    aligned: "Qwen/Qwen2.5-0.5B-Instruct",
    unaligned: "Qwen/Qwen2.5-0.5B",
    note: "Qwen2 family, open",
  },
  {
    title: "Llama 3.2 1B",
    aligned: "meta-llama/Llama-3.2-1B-Instruct",
    unaligned: "meta-llama/Llama-3.2-1B",
    note: "Llama family; asks for consent on the hub and a token",
  },
];
