/**
 * @file JSON as a short text that fits into an address.
 *
 *     base64url( CRC-32 of the JSON (4 bytes, little endian) | deflate( JSON ) )
 *
 * The checksum detects truncation and typing errors. It does not protect against deliberate changes.
 */
import { deflateSync, Inflate, strFromU8, strToU8 } from "fflate";

/** More than the longest link (one with pasted text). */
const MAX_CHARACTERS = 262_144;
/**
 * Bytes of JSON that a link may unpack to. Its characters do not bound them: repeated text shrinks a thousandfold.
 */
export const MAX_JSON_BYTES = 4 * 2 ** 20;
/** Fed to the inflater at once; becomes at most a thousand times as much before the limit is checked again. */
const CHUNK_BYTES = 1024;

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
    json = inflateWithin(bytes.subarray(4), MAX_JSON_BYTES);
  } catch (cause) {
    throw damaged(cause instanceof TooLarge ? cause.message : "it cannot be decompressed", cause);
  }
  if (crc32(json) !== expected) throw damaged("its checksum does not match");
  try {
    const value: unknown = JSON.parse(strFromU8(json));
    return value;
  } catch (cause) {
    throw damaged("it is not JSON", cause);
  }
}

class TooLarge extends Error {}

/** @throws TooLarge as soon as more than `most` bytes have come out */
function inflateWithin(packed: Uint8Array, most: number): Uint8Array<ArrayBuffer> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  const inflate = new Inflate((piece) => {
    length += piece.length;
    if (length > most) throw new TooLarge(`it unpacks to more than ${most / 2 ** 20} MiB`);
    pieces.push(piece);
  });
  for (let at = 0; at < packed.length; at += CHUNK_BYTES)
    inflate.push(packed.subarray(at, at + CHUNK_BYTES), at + CHUNK_BYTES >= packed.length);
  const out = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
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

/** The remainder of every byte. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  return crc;
});

/** CRC-32 (IEEE 802.3). */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ byte) & 0xff] ?? 0);
  return (crc ^ 0xffffffff) >>> 0;
}
