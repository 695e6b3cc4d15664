/** @file Why a storage did not take something, in words. */
import { CacheFullError } from "../../weights/cache/cacheFiles.ts";

/** The end of a sentence. Browsers give a full storage an empty message. */
export function storageReason(error: unknown): string {
  if (error instanceof CacheFullError || (error instanceof DOMException && error.name === "QuotaExceededError"))
    return "the browser gives this page no more room";
  const text = error instanceof Error ? error.message : String(error);
  return text !== "" ? text.replace(/\.$/, "") : error instanceof Error ? error.name : "the storage does not say why";
}
