/**
 * @file Vite plugin for the built site: the policy as a meta tag, `_headers` for hosts that read it, and the service
 * worker with the list of all files. Does nothing in development.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "vite";
import type { SiteFile, SiteManifest } from "../../src/lab/shell/offline/manifest.ts";
import { headersFile, PAGE_POLICY } from "../../src/lab/shell/diagnostics/policy.ts";

const WORKER = fileURLToPath(new URL("../../src/lab/shell/offline/serviceWorker.ts", import.meta.url));
/** For hosts, not for visitors. */
const NOT_SERVED = new Set(["_headers", "sw.js"]);
/** onnxruntime and its WebAssembly, 14 and 27 MB: only judges that are classifiers need them. */
const WHEN_USED = /(^|\/)ort[-.]|\.wasm$/;

export function sitePlugin(): Plugin {
  let folder = "";
  /** As source text. */
  let version = '""';
  return {
    name: "basin-site",
    apply: "build",
    configResolved: (config) => {
      folder = join(config.root, config.build.outDir);
      version = String(config.define?.__BASIN_VERSION__ ?? '""');
    },
    transformIndexHtml: {
      order: "post",
      handler: () => [
        {
          tag: "meta",
          attrs: { "http-equiv": "Content-Security-Policy", content: PAGE_POLICY },
          injectTo: "head-prepend",
        },
        // By which an open page of an earlier build tells whether the new one can resume its run.
        { tag: "meta", attrs: { name: "basin-version", content: JSON.parse(version) as string }, injectTo: "head" },
      ],
    },
    closeBundle: {
      order: "post",
      sequential: true,
      handler: async () => {
        writeFileSync(join(folder, "_headers"), headersFile());
        await writeWorker(folder, siteManifest(folder), version);
      },
    },
  };
}

/** Every file below `folder` that visitors fetch. */
export function siteManifest(folder: string): SiteManifest {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((path) => join(folder, path))
    .filter((path) => statSync(path).isFile())
    .map((path): SiteFile => {
      const bytes = readFileSync(path);
      const name = relative(folder, path).split(sep).join("/");
      return {
        path: name,
        hash: createHash("sha256").update(bytes).digest("hex"),
        bytes: bytes.byteLength,
        save: WHEN_USED.test(name) ? "when_used" : "first",
      };
    })
    .filter(({ path }) => !NOT_SERVED.has(path) && !path.endsWith(".map"))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const build = createHash("sha256")
    .update(files.map(({ path, hash }) => `${path} ${hash}\n`).join(""))
    .digest("hex")
    .slice(0, 16);
  return { build, files };
}

/** One classic script: not every browser takes modules as service workers. */
async function writeWorker(folder: string, manifest: SiteManifest, version: string): Promise<void> {
  await build({
    configFile: false,
    logLevel: "error",
    publicDir: false,
    define: { __SITE_MANIFEST__: JSON.stringify(manifest), __BASIN_VERSION__: version },
    build: {
      outDir: folder,
      emptyOutDir: false,
      copyPublicDir: false,
      target: "es2022",
      lib: { entry: WORKER, formats: ["iife"], name: "basin", fileName: () => "sw.js" },
    },
  });
}
