/**
 * @file `npm start`: installs, builds, serves and opens the lab.
 *
 *     npm start -- [--no-open] [--port N]
 */
import { spawn } from "node:child_process";
import { installPackages, packageProgram, root, run, say } from "./setup.mjs";

const args = process.argv.slice(2);
const portAt = args.indexOf("--port");
const port = portAt >= 0 ? Number(args[portAt + 1]) : 4173;
const unknown = args.find((arg, i) => arg !== "--no-open" && arg !== "--port" && !(portAt >= 0 && i === portAt + 1));
if (unknown !== undefined || !Number.isInteger(port) || port < 0 || port > 65535) {
  process.stderr.write(
    `${unknown === undefined ? "--port wants a number" : `unknown argument ${unknown}`}` +
      "\nusage: npm start -- [--no-open] [--port N]\n",
  );
  process.exit(2);
}

installPackages();
say("Building the lab");
if (!run(process.execPath, [packageProgram("vite/bin/vite.js"), "build", "--logLevel", "error"])) process.exit(1);

const { preview } = await import("vite");
// Takes the next free port when this one is in use.
const server = await preview({ root, preview: { port, open: false } });
const address = server.resolvedUrls?.local[0] ?? `http://localhost:${port}/`;
say(`\nBasin is at ${address}  (Ctrl-C ends it)`);
say("It needs a browser with WebGPU: Chrome or Edge 113+, Safari 26+, Firefox 141+.");
if (!args.includes("--no-open") && !process.env.CI) openInBrowser(address);

/** Opens the user's browser; where that is not possible the printed address does. */
function openInBrowser(url) {
  const [program, ...rest] =
    process.platform === "darwin"
      ? ["open", url]
      : process.platform === "win32"
        ? ["cmd", "/c", "start", "", url]
        : ["xdg-open", url];
  const child = spawn(program, rest, { stdio: "ignore", detached: true });
  child.on("error", () => say("Open the address in your browser."));
  child.unref();
}
