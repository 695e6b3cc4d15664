/** @file Small parts of the pictures. */
import { markup, type Markup } from "../report/markup.ts";

/** One decimal: SVG needs no more. */
export function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}

export interface TextAt {
  readonly x: number;
  readonly y: number;
  readonly fill: string;
  readonly anchor?: "start" | "middle" | "end";
}

export function textAt(text: string | number, { x, y, fill, anchor = "start" }: TextAt): Markup {
  return markup`<text x="${fixed(x)}" y="${fixed(y)}" text-anchor="${anchor}" fill="${fill}">${text}</text>`;
}

export function dot(x: number, y: number, radius: number, fill: string, title: string): Markup {
  return markup`<circle cx="${fixed(x)}" cy="${fixed(y)}" r="${radius}" fill="${fill}" stroke="#14181b"
 stroke-opacity="0.6"><title>${title}</title></circle>`;
}
