/** @file Why the browser's storage refused something, in words. */
import { CacheFullError } from "../../weights/cache/cacheFiles.ts";
import { STORAGE } from "./copy.ts";

/** The end of a sentence. Some browsers report a full storage with an empty message. */
export function storageReason(error: unknown): string {
  if (error instanceof CacheFullError || (error instanceof DOMException && error.name === "QuotaExceededError"))
    return STORAGE.full;
  const text = error instanceof Error ? error.message : String(error);
  return text !== "" ? text.replace(/\.$/, "") : error instanceof Error ? error.name : STORAGE.unknown;
}
