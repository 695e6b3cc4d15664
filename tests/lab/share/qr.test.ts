/** @file QR codes: an independent decoder reads them back; what is too long for a wall is said to be. */
import jsQR from "jsqr";
import { describe, expect, it } from "vitest";
import { MAX_BYTES, pathOf, qrCode, qrSvg, type Modules } from "../../../src/lab/runs/share/qr.ts";
import { Rng } from "../../../src/text/apothecary/index.ts";

/** Pixels of the drawing, from its path alone. */
function pixels(modules: Modules, scale: number): { readonly data: Uint8ClampedArray; readonly side: number } {
  const side = modules.length * scale;
  const data = new Uint8ClampedArray(4 * side * side).fill(255);
  for (const [, x, y, width] of pathOf(modules).matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let row = 0; row < scale; row += 1) {
      for (let column = 0; column < Number(width) * scale; column += 1)
        data.set([0, 0, 0, 255], 4 * ((Number(y) * scale + row) * side + Number(x) * scale + column));
    }
  }
  return { data, side };
}

function read(modules: Modules): string | undefined {
  const { data, side } = pixels(modules, 4);
  return jsQR(data, side, side)?.data;
}

describe("a QR code", () => {
  it("is read back by an independent decoder, whatever its length", () => {
    const rng = new Rng("qr");
    const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (const length of [1, 40, 300, 700, MAX_BYTES - 30]) {
      const link =
        `https://basin.example/#x=1.${Array.from({ length }, () => letters[rng.below(64)] ?? "").join("")}`.slice(
          0,
          MAX_BYTES,
        );
      const code = qrCode(link);
      if (code.kind !== "code") throw new Error(`${length} characters do not fit`);
      expect(read(code.modules), `${length} characters`).toBe(link);
      expect(code.modules.length).toBeLessThanOrEqual(117 + 8);
      // The quiet zone is light.
      expect(code.modules.slice(0, 4).flat()).not.toContain(true);
    }
  });

  it("of too long a link is none", () => {
    expect(qrCode("x".repeat(MAX_BYTES))).toMatchObject({ kind: "code" });
    expect(qrCode("x".repeat(MAX_BYTES + 1))).toEqual({ kind: "too_long", bytes: MAX_BYTES + 1 });
    expect(qrCode("ü".repeat(MAX_BYTES / 2 + 1))).toMatchObject({ kind: "too_long" });
  });

  it("as a file is black on white", () => {
    const code = qrCode("https://basin.example/");
    const svg = code.kind === "code" ? qrSvg(code.modules) : "";
    expect(svg).toMatch(
      /^<svg [^>]*viewBox="0 0 33 33"[^>]*><path fill="#fff" d="M0 0h33v33H0z"\/><path fill="#000" d="M4 4h7v1/,
    );
  });
});
