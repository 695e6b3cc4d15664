/**
 * @file The pages of Learn, and how an address names one.
 *
 *     #learn/penalty                  a page, for a teacher's link
 *     #learn/penalty&x=1.…            the same, with the experiment that is set up beside it (experiment/share/link.ts)
 */

export const LEARN_PAGES = ["lora", "direction", "penalty", "projector", "score"] as const;
export type LearnPage = (typeof LEARN_PAGES)[number];

const PREFIX = "learn/";

/**
 * What a fragment (without "#") holds: a page of Learn, an experiment, both or neither. An unknown page is the first.
 */
export function splitFragment(fragment: string): { readonly page: LearnPage | null; readonly experiment: string } {
  if (fragment !== "learn" && !fragment.startsWith(PREFIX)) return { page: null, experiment: fragment };
  const end = fragment.indexOf("&");
  const name = (end === -1 ? fragment : fragment.slice(0, end)).slice(PREFIX.length);
  return {
    page: LEARN_PAGES.find((page) => page === name) ?? LEARN_PAGES[0],
    experiment: end === -1 ? "" : fragment.slice(end + 1),
  };
}

/** The fragment that `splitFragment` takes apart. */
export function joinFragment(page: LearnPage | null, experiment: string): string {
  return [...(page === null ? [] : [`${PREFIX}${page}`]), ...(experiment === "" ? [] : [experiment])].join("&");
}
