/** @file Prints the table of device memory in docs/models.md: `node scripts/memoryTable.mjs`. */
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
  const { memoryTable } = await vite.ssrLoadModule("/scripts/memoryTable.ts");
  process.stdout.write(`${memoryTable()}\n`);
} finally {
  await vite.close();
}
