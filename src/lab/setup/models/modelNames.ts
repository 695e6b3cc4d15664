/** @file Model names as the form splits and joins them (grammar: weights/modelName.ts), and suggested models. */
import { DEFAULT_REVISION, hubName, parseModelName } from "../../../weights/modelName.ts";

/** Where a model comes from, as offered by the form. */
export type SourceKind = "none" | "bundled" | "hub" | "address" | "folder";

/** The kind of a name; null for a name of no kind. */
export function kindOf(name: string | null): SourceKind | null {
  if (name === null) return "none";
  try {
    const { kind } = parseModelName(name);
    return kind === "url" || kind === "relative" ? "address" : kind;
  } catch {
    return null;
  }
}

/** Repository and revision of a Hub name; null for other names. */
export function hubParts(name: string | null): { readonly repo: string; readonly revision: string } | null {
  if (name === null || kindOf(name) !== "hub") return null;
  const model = parseModelName(name);
  return model.kind === "hub" ? { repo: model.repo, revision: model.revision } : null;
}

/**
 * A Hub model from typed text: "owner/name", "owner/name@revision", or the URL of its page on the Hub.
 * @param revision from the field next to it; a revision in the text takes precedence
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
  /** Shown in the tooltip. */
  readonly note: string;
}

/** Real model pairs, smallest first. */
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
    note: "Gemma family; gated: accept its terms on the Hub and enter a token",
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
    note: "Llama family; gated: accept its terms on the Hub and enter a token",
  },
];
