/** @file Canonical JSON (equal text for equal values) and a short hash of it. */
import { sha256 } from "../../base/sha256.ts";
import { isRecord } from "../../base/records.ts";

/** JSON with sorted keys: equal for equal values. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    isRecord(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}

/** First 12 hexadecimal digits (48 bits) of the SHA-256 of a value's canonical text. */
export async function shortHash(value: unknown): Promise<string> {
  return (await sha256(new TextEncoder().encode(canonical(value)))).slice(0, 12);
}
