/**
 * @file JSON as a short text that fits into an address.
 *
 *     base64url( CRC-32 of the JSON (4 bytes, little endian) | deflate( JSON ) )
 *
 * The checksum detects truncation and typing errors. It does not protect against deliberate changes.
 */
import { deflateSync, inflateSync, strFromU8, strToU8 } from "fflate";

/** More than the longest link (one with pasted text); keeps a malicious one from decompressing to gigabytes. */
const MAX_CHARACTERS = 262_144;

export function packJson(value: unknown): string {
  const json = strToU8(JSON.stringify(value));
  const packed = deflateSync(json, { level: 9 });
  const bytes = new Uint8Array(4 + packed.length);
  new DataView(bytes.buffer).setUint32(0, crc32(json), true);
  bytes.set(packed, 4);
  return toBase64Url(bytes);
}

/** @throws the error that `damaged` makes of the reason, if the text is damaged */
export function unpackJson(text: string, damaged: (why: string, cause?: unknown) => Error): unknown {
  if (text.length > MAX_CHARACTERS) throw damaged("it is too long");
  if (!/^[A-Za-z0-9_-]*$/.test(text)) throw damaged("it contains invalid characters");
  if (text.length % 4 === 1) throw damaged("it is incomplete");
  const bytes = fromBase64Url(text);
  if (bytes.length < 5) throw damaged("it is incomplete");
  const expected = new DataView(bytes.buffer).getUint32(0, true);
  let json: Uint8Array;
  try {
    json = inflateSync(bytes.subarray(4));
  } catch (cause) {
    throw damaged("it cannot be decompressed", cause);
  }
  if (crc32(json) !== expected) throw damaged("its checksum does not match");
  try {
    const value: unknown = JSON.parse(strFromU8(json));
    return value;
  } catch (cause) {
    throw damaged("it is not JSON", cause);
  }
}

function toBase64Url(bytes: Uint8Array): string {
  // One by one: as arguments of a single call, a long text's bytes would not fit the stack.
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
}

/** CRC-32 (IEEE 802.3), bit by bit: what it is taken of is short. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
