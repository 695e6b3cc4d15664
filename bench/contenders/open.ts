/**
 * @file Opening the contenders that were asked for. One that cannot be opened takes no part, and the report says why.
 */

import type { Contender, OpenContender, Refusal } from "./contender.ts";

export interface Registry {
  /** By the name of the command line, in the order of the tables. */
  readonly contenders: Readonly<Record<string, () => Promise<OpenContender>>>;
  /** Names of those that are not there, and why. */
  readonly missing: Readonly<Record<string, string>>;
}

export interface Opened {
  readonly contenders: readonly Contender[];
  readonly refused: readonly Refusal[];
}

/** @param names of the command line; empty: all */
export async function openContenders(
  api: GPU,
  { contenders: registry, missing }: Registry,
  names: readonly string[],
  say: (line: string) => void,
): Promise<Opened> {
  const contenders: Contender[] = [];
  const refused: Refusal[] = [];
  for (const name of names.length > 0 ? names : [...Object.keys(registry), ...Object.keys(missing)]) {
    const load = registry[name];
    if (!load) {
      refused.push({
        name,
        version: "",
        refused: missing[name] ?? `no such contender; there are ${Object.keys(registry).join(", ")}`,
      });
      continue;
    }
    say(`opening ${name}`);
    try {
      const opened = await (await load())(api);
      if ("refused" in opened) refused.push(opened);
      else contenders.push(opened);
    } catch (error) {
      refused.push({ name, version: "", refused: error instanceof Error ? error.message : String(error) });
    }
  }
  return { contenders, refused };
}
