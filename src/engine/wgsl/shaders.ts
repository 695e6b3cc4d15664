/** @file The files of shaders/, by their path without extension. */

import type { ShaderTexts } from "./link.ts";

function byPath(): ShaderTexts {
  const files = import.meta.glob<string>("../../../shaders/**/*.wgsl", {
    query: "?raw",
    import: "default",
    eager: true,
  });
  return Object.fromEntries(
    Object.entries(files).map(([path, text]) => [path.replace(/^.*\/shaders\//, "").replace(/\.wgsl$/, ""), text]),
  );
}

/** Marked as pure so that what compiles no kernel, as the page does not, is built without them. */
export const shaderTexts: ShaderTexts = /* @__PURE__ */ byPath();
