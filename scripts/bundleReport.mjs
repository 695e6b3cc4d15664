/**
 * @file Prints what the built page consists of, file by file: `npm run bundle`, which builds it first. Fails when the
 * page's own script is over its limit.
 */
import { fileURLToPath } from "node:url";
import { createServer } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));
const vite = await createServer({
  root,
  configFile: false,
  logLevel: "error",
  appType: "custom",
  server: { middlewareMode: true, hmr: false, ws: false },
  optimizeDeps: { noDiscovery: true },
});
try {
  const { bundleReport, bundleText, INITIAL_LIMIT } = await vite.ssrLoadModule("/scripts/bundle/bundleReport.ts");
  const report = bundleReport(fileURLToPath(new URL("../dist/web", import.meta.url)), { brotli: true });
  process.stdout.write(`${bundleText(report)}\n`);
  if (report.totals.page.gzip > INITIAL_LIMIT) process.exitCode = 1;
} finally {
  await vite.close();
}
