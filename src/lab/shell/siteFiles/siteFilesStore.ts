/**
 * @file Whether the site still has the files of this page. After an upload of a new build the parts that this page has
 * not loaded yet are gone; without the site they are out of reach. A run needs none of them.
 *
 *     a file cannot be loaded ──▸ is the site there? ── no ──▸ unreachable
 *                                        │ does its page name the same script as this one?
 *                                        ├── no ──▸ new version
 *                                        └── yes ─▸ reachable: loading it again may help
 */
import { createStore, type StoreApi } from "zustand/vanilla";

export type SiteFiles =
  /** Nothing that was needed was missing. */
  | { readonly kind: "complete" }
  | { readonly kind: "unreachable" }
  /** `basin`: its version; null where its page does not say. */
  | { readonly kind: "new_version"; readonly basin: string | null }
  | { readonly kind: "reachable" };

export type SiteFilesStore = StoreApi<SiteFiles>;

/** What is needed of the page; tests use another. */
export interface SitePage {
  /** The address of the page's main script. */
  readonly script: string;
  /** The page as the site has it now. @throws where the site cannot be reached, or has no page */
  fetchPage(): Promise<string>;
}

export const siteFiles: SiteFilesStore = createStore<SiteFiles>()(() => ({ kind: "complete" }));

/** A file could not be loaded: finds out why. Never throws. */
export async function checkSite(page: SitePage, store: SiteFilesStore): Promise<void> {
  const text = await page.fetchPage().catch(() => null);
  const name = page.script.slice(page.script.lastIndexOf("/") + 1);
  store.setState(
    text === null
      ? { kind: "unreachable" }
      : text.includes(name)
        ? { kind: "reachable" }
        : { kind: "new_version", basin: versionIn(text) },
    true,
  );
}

/** The version of Basin that a page says it is of (scripts/site/sitePlugin.ts); null where it does not. */
function versionIn(page: string): string | null {
  return /<meta name="basin-version" content="([^"]+)"/.exec(page)?.[1] ?? null;
}

export function dismissSiteFiles(store: SiteFilesStore): void {
  store.setState({ kind: "complete" }, true);
}

/** Checks the site whenever Vite could not load a part of the page. */
export function watchSiteFiles(target: Pick<typeof globalThis, "addEventListener">): void {
  // Vite's name; not cancelled, so that whoever asked for the part hears of it, too.
  target.addEventListener("vite:preloadError", () => void checkSite(browserPage(), siteFiles));
}

function browserPage(): SitePage {
  return {
    script: document.querySelector<HTMLScriptElement>("script[type=module][src]")?.src ?? "",
    fetchPage: async () => {
      const response = await fetch(new URL(".", document.baseURI), { cache: "no-store" });
      if (!response.ok) throw new Error(`status ${response.status}`);
      return response.text();
    },
  };
}
