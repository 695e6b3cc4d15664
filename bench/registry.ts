/**
 * @file Which contenders there are depends on what is installed: peers' packages belong to bench/package.json, not to
 * the product, so the list of them is made when the benchmark is built, and a library that is absent is not imported.
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

interface Entry {
  readonly file: string;
  /** Expression on the module `m`. */
  readonly open: string;
  readonly needs?: string;
  /** Why it runs in browsers only. */
  readonly browserOnly?: string;
}

/** Version of a package, or undefined when it is not installed. */
function installed(name: string): string | undefined {
  const file = [here(`node_modules/${name}/package.json`), here(`../node_modules/${name}/package.json`)].find((path) =>
    existsSync(path),
  );
  return file === undefined ? undefined : (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

const product = (JSON.parse(readFileSync(here("../package.json"), "utf8")) as { version: string }).version;

const ENTRIES: Readonly<Record<string, Entry>> = {
  "basin-bf16": { file: "contenders/basin.ts", open: `m.openBasin("bf16", "${product}")` },
  "basin-f32": { file: "contenders/basin.ts", open: `m.openBasin("f32", "${product}")` },
  jax: { file: "peers/jax.ts", open: "m.openJax(VERSION)", needs: "@jax-js/jax" },
  tfjs: { file: "peers/tfjs.ts", open: "m.openTfjs(VERSION)", needs: "@tensorflow/tfjs-backend-webgpu" },
  onnx: {
    file: "peers/onnx.ts",
    open: "m.openOnnx(VERSION)",
    needs: "onnxruntime-web",
    browserOnly: "its WebGPU build is for browsers",
  },
  "webgpu-llm": { file: "peers/webgpuLlm.ts", open: "m.openWebgpuLlm(VERSION)", needs: "webgpu-llm" },
};

/** Makes the module `virtual:contenders`. */
export function contendersFor(where: "browser" | "node"): Plugin {
  const id = "virtual:contenders";
  return {
    name: "contenders",
    resolveId: (source) => (source === id ? `\0${id}` : undefined),
    load: (source) => {
      if (source !== `\0${id}`) return undefined;
      const lines: string[] = [];
      const missing: Record<string, string> = {};
      for (const [name, { file, open, needs, browserOnly }] of Object.entries(ENTRIES)) {
        const version = needs === undefined ? "" : installed(needs);
        if (where === "node" && browserOnly !== undefined) missing[name] = `not in Node: ${browserOnly}`;
        else if (version === undefined) missing[name] = "not installed (npm ci in bench/)";
        else
          lines.push(
            `${JSON.stringify(name)}: () => import(${JSON.stringify(here(file))})` +
              `.then((m) => ${open.replace("VERSION", JSON.stringify(version))}),`,
          );
      }
      const contenders = `export const contenders = {\n${lines.join("\n")}\n};`;
      return `${contenders}\nexport const missing = ${JSON.stringify(missing)};\n`;
    },
  };
}
