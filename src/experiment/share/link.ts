/**
 * @file A spec in the fragment of a URL: a link that reproduces an experiment. A fragment never leaves the browser.
 *
 *     #x=1.<packed JSON (packedJson.ts)>
 *     #x=1.…&r=1.…                          the same, with the sender's results (share/results.ts)
 *
 * The JSON holds only what differs from the defaults. The number before the dot is the version of this encoding.
 */
import { isRecord } from "../../base/records.ts";
import { BasinError } from "../../base/error.ts";
import { canonical } from "../spec/canonical.ts";
import { packJson, unpackJson } from "./packedJson.ts";
import { inferSources } from "../spec/inferSources.ts";
import { resolveSpec, type Spec, type SpecInput } from "../spec/spec.ts";
import { SPEC_VERSION } from "../spec/specSchema.ts";

const LINK_VERSION = 1;

/** The fragment, without "#", that reproduces `spec`. */
export function encodeLink(spec: Spec): string {
  return `x=${LINK_VERSION}.${packJson(minimalSpec(spec))}`;
}

/**
 * The spec in a fragment (with or without "#"), or null when the fragment holds none.
 * @throws BasinError for a link that is truncated, damaged, from a newer Basin, or whose spec is not valid
 */
export function decodeLink(fragment: string): Spec | null {
  const text = fragment.replace(/^#/, "");
  const value = new URLSearchParams(text).get("x");
  if (value === null) return null;
  const match = /^(\d+)\.(.*)$/s.exec(value);
  if (!match) throw damaged("it has no version");
  const version = Number(match[1]);
  if (version > LINK_VERSION) throw newer(`version ${version}, this Basin reads ${LINK_VERSION}`);
  if (version < 1) throw damaged(`version ${version} never existed`);
  const json = unpackJson(match[2] ?? "", damaged);
  const specVersion: unknown =
    typeof json === "object" && json !== null && "version" in json ? json.version : SPEC_VERSION;
  if (typeof specVersion === "number" && specVersion > SPEC_VERSION)
    throw newer(`spec version ${specVersion}, this Basin reads ${SPEC_VERSION}`);
  return resolveSpec(json, "link");
}

/**
 * The shortest document that resolves to the same spec: a field is left out when the spec resolves to the same without
 * it. Defaults that depend on other fields need no special case.
 */
export function minimalSpec(spec: Spec): SpecInput {
  const wanted = canonical(spec);
  const draft: unknown = structuredClone(spec);
  if (isRecord(draft)) prune(draft, () => sameAs(draft, wanted));
  return draft as SpecInput; // a part of a valid spec that still resolves
}

function prune(object: Record<string, unknown>, same: () => boolean): void {
  for (const [key, value] of Object.entries(object)) {
    Reflect.deleteProperty(object, key);
    if (same()) continue;
    object[key] = value;
    if (isRecord(value)) prune(value, same);
  }
}

function sameAs(draft: unknown, wanted: string): boolean {
  // A source that is only inferred stays written out: 0.1.0 reads the link, too.
  if (inferSources(draft) !== draft) return false;
  try {
    return canonical(resolveSpec(draft)) === wanted;
  } catch (error) {
    if (error instanceof BasinError) return false; // not a spec without that field
    throw error;
  }
}

function damaged(why: string, cause?: unknown): BasinError {
  return new BasinError({
    what: `The link is incomplete or damaged: ${why}`,
    where: "link",
    fix: "Copy the whole link again; chat programs and mail sometimes cut long links.",
    cause,
  });
}

function newer(what: string): BasinError {
  return new BasinError({
    what: `The link was made by a newer Basin (${what})`,
    where: "link",
    fix: "Reload the page to get the newest Basin, or update your copy.",
  });
}
