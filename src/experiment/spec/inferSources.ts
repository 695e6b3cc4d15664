/**
 * @file Where rows come from, where a spec does not say: `path` means a file, `repo` a dataset of the hub, as for the
 * training rows, whose source has always been optional with a path.
 */
import { isRecord } from "../../base/records.ts";

/** Places of a spec that have a `source`, and what their fields tell. */
const PLACES: readonly { readonly at: readonly [string, string]; readonly by: Readonly<Record<string, string>> }[] = [
  { at: ["data", "train"], by: { repo: "hub" } },
  { at: ["eval", "task"], by: { path: "file", repo: "hub" } },
  { at: ["eval", "harmful"], by: { path: "file" } },
];

/** The same value where nothing is to be filled in. */
export function inferSources(spec: unknown): unknown {
  return PLACES.reduce<unknown>((value, { at: [group, name], by }) => {
    if (!isRecord(value) || !isRecord(value[group])) return value;
    const place = value[group][name];
    if (!isRecord(place) || place.source !== undefined) return value;
    const source = Object.entries(by).find(([field]) => place[field] !== undefined)?.[1];
    if (source === undefined) return value;
    return { ...value, [group]: { ...value[group], [name]: { source, ...place } } };
  }, spec);
}
