/** @file A link as a QR code: the modules, what they take, and a file of them. */
import { encodeQR } from "qr";

/**
 * The largest code that phones still read from a projected image: version 25, 117 modules a side, by ISO/IEC 18004 1273
 * bytes at the lowest error correction. Larger ones exist and are not read from a wall.
 */
export const MAX_BYTES = 1273;

/** Light modules around the code; ISO/IEC 18004 asks for four. */
const QUIET = 4;

export type Modules = readonly (readonly boolean[])[];

export type QrCode =
  | { readonly kind: "code" /** [row][column], true is dark; with the quiet zone. */; readonly modules: Modules }
  | { readonly kind: "too_long"; readonly bytes: number };

export function qrCode(text: string): QrCode {
  const bytes = new TextEncoder().encode(text).length;
  if (bytes > MAX_BYTES) return { kind: "too_long", bytes };
  // A code on a wall is clean: large modules help more than error correction does.
  return { kind: "code", modules: encodeQR(text, "raw", { ecc: "low", encoding: "byte", border: QUIET }) };
}

/** All dark modules as one path; runs of a row are one rectangle, so that no seams show. */
export function pathOf(modules: Modules): string {
  return modules
    .flatMap((row, y) => {
      const runs: string[] = [];
      for (let x = 0; x < row.length; ) {
        const from = x;
        while (x < row.length && row[x] === true) x += 1;
        if (x > from) runs.push(`M${from} ${y}h${x - from}v1h${from - x}z`);
        else x += 1;
      }
      return runs;
    })
    .join("");
}

/** An SVG file, black on white. */
export function qrSvg(modules: Modules): string {
  const side = modules.length;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${side} ${side}" shape-rendering="crispEdges">` +
    `<path fill="#fff" d="M0 0h${side}v${side}H0z"/><path fill="#000" d="${pathOf(modules)}"/></svg>\n`
  );
}
