/** @file The hosts that the user has allowed, as text that outlives the page. */
import { isRecord } from "../../../base/records.ts";

/** Who named a host first. address: `?hubUrl=` of the page; document: a table, an earlier run, an adapter. */
export type NamedBy = "you" | "link" | "address" | "document";

export interface AllowedHost {
  /** "https://models.example" */
  readonly origin: string;
  /** Whether a token of the hub may go there as well. */
  readonly token: boolean;
  readonly by: NamedBy;
}

const NAMED_BY: readonly NamedBy[] = ["you", "link", "address", "document"];

/** The hosts in a saved text; none if it is not in the format of this version. */
export function parseAllowedHosts(text: string | null): readonly AllowedHost[] {
  if (text === null) return [];
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.flatMap(hostOf) : [];
  } catch {
    return [];
  }
}

function hostOf(value: unknown): readonly AllowedHost[] {
  if (!isRecord(value)) return [];
  const by = NAMED_BY.find((name) => name === value.by);
  const { origin, token } = value;
  return by !== undefined && typeof origin === "string" && typeof token === "boolean" ? [{ origin, token, by }] : [];
}
