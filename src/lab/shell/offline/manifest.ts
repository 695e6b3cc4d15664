/**
 * @file Which files the built site has. Written at build time (scripts/site/sitePlugin.ts) into the service worker; what is not in it,
 * the service worker leaves alone: weights of the hub, data of the user, any other host.
 */

export interface SiteFile {
  /** Below the folder that the page is served from: "assets/index-Bx1.js". */
  readonly path: string;
  /** SHA-256 of its bytes, hexadecimal. */
  readonly hash: string;
  readonly bytes: number;
  /** "first": kept at the first visit. "when_used": large and seldom wanted; kept once it has been fetched. */
  readonly keep: "first" | "when_used";
}

export interface SiteManifest {
  /** Names this build: a hash over all files. */
  readonly build: string;
  readonly files: readonly SiteFile[];
}

/** What the service worker does with a request. null: nothing, the browser goes on as if there were none. */
export type Reply =
  | { readonly kind: "page" }
  | { readonly kind: "file"; readonly file: SiteFile }
  /** A folder of the site is known completely: what is not in it is not there. Offline nobody else could say so. */
  | { readonly kind: "absent" };

export interface SiteRequest {
  readonly method: string;
  readonly url: string;
  readonly navigation: boolean;
}

/** The page itself, in the manifest. */
export const PAGE = "index.html";

/** Folders of which the manifest knows every file: those of the bundled models and judges. */
const BUNDLED = /^(?:models|judges)\/[^/]+\//;

/** @param scope address of the folder that the site lies in, with a slash at its end */
export function replyTo(
  { method, url, navigation }: SiteRequest,
  scope: string,
  files: ReadonlyMap<string, SiteFile>,
): Reply | null {
  if (method !== "GET" && method !== "HEAD") return null;
  const [address = "", query] = withoutFragment(url).split("?", 2);
  if (!address.startsWith(scope)) return null;
  const path = address.slice(scope.length);
  if (navigation) return (path === "" || path === PAGE) && files.has(PAGE) ? { kind: "page" } : null;
  // A query is no business of a static site: whoever adds one wants an answer of the server.
  if (query !== undefined) return null;
  const file = files.get(path);
  if (file !== undefined) return { kind: "file", file };
  const folder = BUNDLED.exec(path)?.[0];
  return folder !== undefined && [...files.keys()].some((known) => known.startsWith(folder))
    ? { kind: "absent" }
    : null;
}

function withoutFragment(url: string): string {
  return url.split("#", 1)[0] ?? url;
}

/** First and last byte that a Range header asks for; null for one that is not understood, or none: the whole file is the answer. */
export function rangeOf(
  header: string | null,
  size: number,
): { readonly first: number; readonly last: number } | "unsatisfiable" | null {
  const [, from = "", to = ""] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (from === "" && to === "") return null;
  const first = from === "" ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === "" || to === "" ? size - 1 : Math.min(size - 1, Number(to));
  return first >= size || first > last ? "unsatisfiable" : { first, last };
}
