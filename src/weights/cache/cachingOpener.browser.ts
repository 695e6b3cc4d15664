/**
 * @file Which sources are kept in this browser, and under which key.
 *
 *     hub      yes, by hub, repository and revision (the content's hash tells whether the revision has moved)
 *     address  yes, by the address without its query (a query may hold a signature that expires)
 *     bundled  no: it comes with the page
 *     folder   no: it is on this computer already
 */
import type { ByteSource } from "../byteSource.ts";
import { openDescriptor, type SourceDescriptor } from "../descriptor.browser.ts";
import { HUB_URL } from "../hubSource.ts";
import { parseModelName } from "../modelName.ts";
import { cachedSource, type CacheNotice } from "./cachedSource.ts";
import { openOpfs, webLocks } from "./opfs.browser.ts";
import { WeightsCache } from "./weightsCache.ts";

/**
 * The cache of this origin. Lists and removes everywhere; writes in workers only.
 * @throws where the page has no storage
 */
export async function openWeightsCache(): Promise<WeightsCache> {
  return new WeightsCache(await openOpfs(), webLocks);
}

/** Opens descriptors, through the cache where that makes sense. */
export function cachingOpener(notify: (notice: CacheNotice) => void): (descriptor: SourceDescriptor) => ByteSource {
  let cache: Promise<WeightsCache> | null = null;
  return (descriptor) => {
    const source = openDescriptor(descriptor);
    const key = cacheKey(descriptor);
    if (key === null) return source;
    if (cache === null) {
      const opened = openWeightsCache();
      opened.catch(() => {
        cache = null; // the next model tries again
      });
      cache = opened;
    }
    return cachedSource(source, cache, key, { notify });
  };
}

/** Source and revision in one line; null for what is not kept. */
export function cacheKey(descriptor: SourceDescriptor): string | null {
  switch (descriptor.kind) {
    case "hub":
      return `hub ${(descriptor.hubUrl ?? HUB_URL).replace(/\/+$/, "")} ${descriptor.repo} ${descriptor.revision}`;
    case "url": {
      const { base, name } = descriptor;
      const bundled = name !== undefined && !/^https?:/i.test(name) && parseModelName(name).kind === "bundled";
      return bundled ? null : `url ${base.split("?", 1)[0] ?? base}`;
    }
    default:
      return null;
  }
}
