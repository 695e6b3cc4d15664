// Runs export.ts: node python/apothecary/export.mjs OUT [pretraining rows] [alignment rows] [seeds] [n] [ratios]
// e.g.            node python/apothecary/export.mjs runs/apothecary 140000 20000 0,1,2 1000 0,0.1
import { fileURLToPath } from "node:url";
import { createServer } from "vite";

const [out, pretraining = "140000", alignment = "20000", seeds = "0,1,2", n = "1000", ratios = "0,0.1"] = process.argv.slice(2);
if (out === undefined) {
  console.error("Name the folder to write to: node python/apothecary/export.mjs OUT");
  process.exit(1);
}
const numbers = (list) => list.split(",").filter(Boolean).map(Number);
const root = fileURLToPath(new URL("../..", import.meta.url));
const server = await createServer({ root, configFile: false, appType: "custom", logLevel: "error", server: { middlewareMode: true, ws: false, watch: null }, optimizeDeps: { noDiscovery: true } });
try {
  const { exportTexts } = await server.ssrLoadModule("/python/apothecary/export.ts");
  exportTexts({ out, pretraining: Number(pretraining), alignment: Number(alignment), seeds: numbers(seeds), n: Number(n), ratios: numbers(ratios) });
} finally {
  await server.close();
}
