/**
 * @file The benchmark's page. Which contenders it has depends on what is installed: peers' packages belong to bench/package.json, not
 * to the product, so the list of them is made here and a library that is absent is not imported.
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Plugin, defineConfig } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

interface Entry {
  readonly file: string;
  /** Expression on the module `m`. */
  readonly open: string;
  readonly needs?: string;
}

/** Version of a package, or undefined when it is not installed. */
function installed(name: string): string | undefined {
  const file = [here(`node_modules/${name}/package.json`), here(`../node_modules/${name}/package.json`)].find((path) => existsSync(path));
  return file === undefined ? undefined : (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

const product = (JSON.parse(readFileSync(here("../package.json"), "utf8")) as { version: string }).version;

const ENTRIES: Readonly<Record<string, Entry>> = {
  "basin-bf16": { file: "contenders/basin.ts", open: `m.openBasin("bf16", "${product}")` },
  "basin-f32": { file: "contenders/basin.ts", open: `m.openBasin("f32", "${product}")` },
  jax: { file: "peers/jax.ts", open: "m.openJax(VERSION)", needs: "@jax-js/jax" },
  tfjs: { file: "peers/tfjs.ts", open: "m.openTfjs(VERSION)", needs: "@tensorflow/tfjs-backend-webgpu" },
  onnx: { file: "peers/onnx.ts", open: "m.openOnnx(VERSION)", needs: "onnxruntime-web" },
  "webgpu-llm": { file: "peers/webgpuLlm.ts", open: "m.openWebgpuLlm" },
};

function contenders(): Plugin {
  const id = "virtual:contenders";
  return {
    name: "contenders",
    resolveId: (source) => (source === id ? `\0${id}` : undefined),
    load: (source) => {
      if (source !== `\0${id}`) return undefined;
      const all = Object.entries(ENTRIES).map(([name, entry]) => ({ name, ...entry, version: entry.needs === undefined ? "" : installed(entry.needs) }));
      const lines = all
        .filter(({ version }) => version !== undefined)
        .map(({ name, file, open, version }) => `${JSON.stringify(name)}: () => import(${JSON.stringify(here(file))}).then((m) => ${open.replace("VERSION", JSON.stringify(version))}),`);
      const missing = all.filter(({ version }) => version === undefined).map(({ name }) => name);
      return `export const contenders = {\n${lines.join("\n")}\n};\nexport const missing = ${JSON.stringify(missing)};\n`;
    },
  };
}

export default defineConfig({
  root: here("page"),
  base: "./",
  // The demo model.
  publicDir: here("../public"),
  logLevel: "warn",
  plugins: [contenders()],
  build: { outDir: here("../dist/bench"), emptyOutDir: true, target: "es2022", chunkSizeWarningLimit: 4000 },
});
