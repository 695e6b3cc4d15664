/**
 * @file What the name of a model means; the one place where such names are taken apart.
 *
 *     apothecary-aligned                a model that comes with Basin (no slash)
 *     owner/name   owner/name@revision  a model of the Hugging Face hub (also with "hf:" in front); the revision is a
 *                                       branch, a tag or a commit, `main` unless given
 *     https://host/folder/              a folder on any web server
 *     ./folder   /folder                the same, relative to the page (lab) or a folder on disk (command line)
 *     folder:NAME                       a folder that was chosen in this tab (lab)
 *
 * On the command line a folder that exists wins over the hub; that rule lives in cli/paths.ts, since only Node can
 * look.
 */
import { BasinError } from "../base/error.ts";

export type ModelName =
  | { readonly kind: "bundled"; readonly name: string }
  | { readonly kind: "hub"; readonly repo: string; readonly revision: string }
  | { readonly kind: "url"; readonly base: string }
  | { readonly kind: "relative"; readonly path: string }
  | { readonly kind: "folder"; readonly name: string };

/** Branch of a hub repository that is read unless another is named. */
export const DEFAULT_REVISION = "main";

const SYNTAX =
  "Give a bundled model's name, owner/name or owner/name@revision of the Hugging Face hub, an address that begins " +
  "with https://, or a folder.";

/** @throws BasinError when the name fits none of the forms */
export function parseModelName(text: string): ModelName {
  const name = text.trim();
  if (name === "") throw bad(text, "The model's name is empty");
  if (name.startsWith("folder:")) {
    const folder = name.slice("folder:".length);
    if (folder === "") throw bad(text, "The folder's name is missing after folder:");
    return { kind: "folder", name: folder };
  }
  if (/^https?:\/\//i.test(name)) {
    if (!URL.canParse(name)) throw bad(text, "The address is malformed");
    const { username, password } = new URL(name);
    // fetch refuses them, and a name ends up in specs, links and logs.
    if (username !== "" || password !== "")
      throw bad(text.replace(/\/\/[^@]*@/, "//…@"), "The address holds a user name or a password");
    return { kind: "url", base: name };
  }
  if (name.startsWith("./") || name.startsWith("../") || name.startsWith("/") || name === ".")
    return { kind: "relative", path: name };
  const hub = /^(?:hf:)?([\w.-]+\/[\w.-]+)(?:@(.+))?$/.exec(name);
  if (hub?.[1] !== undefined) return { kind: "hub", repo: hub[1], revision: hub[2] ?? DEFAULT_REVISION };
  if (name.startsWith("hf:")) throw bad(text, "After hf: comes owner/name");
  if (name.includes("/") || name.includes("\\") || name.includes(":") || name.includes("@"))
    throw bad(text, "The name is neither a hub id nor an address");
  return { kind: "bundled", name };
}

/** A hub model's name as people write it: the revision only where it is not the default. */
export function hubName(repo: string, revision: string = DEFAULT_REVISION): string {
  return revision === DEFAULT_REVISION ? repo : `${repo}@${revision}`;
}

function bad(name: string, what: string): BasinError {
  return new BasinError({ what, where: `model ${JSON.stringify(name)}`, fix: SYNTAX });
}
