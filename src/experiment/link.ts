/**
 * @file A spec in the fragment of a URL: a link that reproduces an experiment. A fragment never leaves the browser.
 *
 *     #x=1.<base64url( CRC-32 of the JSON (4 bytes, little endian) | deflate( JSON ) )>
 *
 * The JSON holds only what differs from the defaults. The number before the dot is the version of this encoding.
 */
import { deflateSync, inflateSync, strFromU8, strToU8 } from "fflate";
import { BasinError } from "../engine/error.ts";
import { canonical, isRecord } from "./canonical.ts";
import { resolveSpec, type Spec, type SpecInput } from "./spec.ts";
import { SPEC_VERSION } from "./specSchema.ts";

const LINK_VERSION = 1;
/** Longer than any spec's link (one with pasted text is the longest); keeps a hostile one from unpacking to gigabytes. */
const MAX_CHARACTERS = 262_144;

/** The fragment, without "#", that reproduces `spec`. */
export function encodeLink(spec: Spec): string {
  const json = strToU8(JSON.stringify(minimalSpec(spec)));
  const packed = deflateSync(json, { level: 9 });
  const bytes = new Uint8Array(4 + packed.length);
  new DataView(bytes.buffer).setUint32(0, crc32(json), true);
  bytes.set(packed, 4);
  return `x=${LINK_VERSION}.${toBase64Url(bytes)}`;
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
  const json = unpack(match[2] ?? "");
  const specVersion: unknown = typeof json === "object" && json !== null && "version" in json ? json.version : SPEC_VERSION;
  if (typeof specVersion === "number" && specVersion > SPEC_VERSION) throw newer(`spec version ${specVersion}, this Basin reads ${SPEC_VERSION}`);
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
  try {
    return canonical(resolveSpec(draft)) === wanted;
  } catch (error) {
    if (error instanceof BasinError) return false; // not a spec without that field
    throw error;
  }
}

function unpack(payload: string): unknown {
  if (payload.length > MAX_CHARACTERS) throw damaged("it is far too long");
  if (!/^[A-Za-z0-9_-]*$/.test(payload)) throw damaged("it has characters that no link has");
  const bytes = fromBase64Url(payload);
  if (bytes.length < 5) throw damaged("it ends too early");
  const expected = new DataView(bytes.buffer).getUint32(0, true);
  let json: Uint8Array;
  try {
    json = inflateSync(bytes.subarray(4));
  } catch (cause) {
    throw damaged("it cannot be unpacked", cause);
  }
  if (crc32(json) !== expected) throw damaged("its checksum does not match");
  const value: unknown = JSON.parse(strFromU8(json));
  return value;
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
  return new BasinError({ what: `The link was made by a newer Basin (${what})`, where: "link", fix: "Reload the page to get the newest Basin, or update your copy." });
}

function toBase64Url(bytes: Uint8Array): string {
  // One by one: as arguments of a single call, a long text's bytes would not fit the stack.
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  if (text.length % 4 === 1) throw damaged("it ends too early");
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
}

/** CRC-32 (IEEE 802.3), bit by bit: links are short. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
