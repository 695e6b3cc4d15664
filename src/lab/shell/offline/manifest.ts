/**
 * @file The files of the built site. Written into the service worker at build time (scripts/site/sitePlugin.ts). The
 * service worker does not handle any other request: weights from the Hub, the user's data, other hosts.
 */

export interface SiteFile {
  /** Below the folder that the page is served from: "assets/index-Bx1.js". */
  readonly path: string;
  /** SHA-256 of its bytes, hexadecimal. */
  readonly hash: string;
  readonly bytes: number;
  /** "first": saved on the first visit. "when_used": large and rarely needed; saved after its first use. */
  readonly save: "first" | "when_used";
}

export interface SiteManifest {
  /** Names this build: a hash over all files. */
  readonly build: string;
  readonly files: readonly SiteFile[];
}

/** How the service worker answers a request. null: not at all, the browser handles it. */
export type Reply =
  | { readonly kind: "page" }
  | { readonly kind: "file"; readonly file: SiteFile }
  /** Answer 404: the manifest lists every file of this folder. Offline, the host cannot answer that. */
  | { readonly kind: "absent" };

export interface SiteRequest {
  readonly method: string;
  readonly url: string;
  readonly navigation: boolean;
}

/** The page itself, in the manifest. */
export const PAGE = "index.html";

/** Folders of which the manifest lists every file: bundled models and judges. */
const BUNDLED = /^(?:models|judges)\/[^/]+\//;

/** @param scope URL of the site's folder, with a trailing slash */
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
  // A static site has no queries: such a request is for the server.
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

/** First and last byte of a Range header; null without a valid header: answer with the whole file. */
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
