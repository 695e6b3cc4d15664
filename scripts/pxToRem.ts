/**
 * @file PostCSS plugin: the lab's stylesheets are written in pixels and served in rem, so that every measure follows
 * the size of the root's type. That size is the browser's own (a reader's larger type is heeded), and larger in
 * presentation mode.
 *
 *     font-size: 14px  ->  font-size: 0.875rem            border: 1px solid  ->  as it is: hairlines stay hairlines
 */
import type { Plugin } from "postcss";

const ROOT = 16;
/** Lines up to this width are not scaled. */
const HAIRLINE = 1.6;

/** One declaration's value. */
export function toRem(value: string): string {
  if (value.includes("url(")) return value;
  return value.replaceAll(/(?<![\w.#-])(-?(?:\d+\.?\d*|\.\d+))px\b/g, (text, digits: string) => {
    const pixels = Number(digits);
    return Math.abs(pixels) <= HAIRLINE ? text : `${Number((pixels / ROOT).toFixed(5))}rem`;
  });
}

export function pxToRem(): Plugin {
  return {
    postcssPlugin: "basin-px-to-rem",
    Once(root) {
      // Mantine's sheet is in rem already; uPlot's lies under a canvas that counts in pixels.
      if (root.source?.input.file?.includes("node_modules")) return;
      root.walkDecls((declaration) => {
        // Drawings have coordinates of their own, and their type is part of them.
        if (declaration.parent?.some((sibling) => sibling.type === "decl" && sibling.prop === "fill")) return;
        if (declaration.value.includes("px")) declaration.value = toRem(declaration.value);
      });
    },
  };
}
