/**
 * @file What `npm start` and `npm test` share: packages, a browser, a graphics driver, running programs. Plain Node,
 * because nothing may be installed yet.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** A line about what is going on. */
export function say(text) {
  process.stdout.write(`${text}\n`);
}

/** Runs a program with our output; true when it ended well. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, {
    stdio: "inherit",
    cwd: root,
    shell: process.platform === "win32" && /\.cmd$/.test(command),
    ...options,
  });
  return result.status === 0;
}

/** Installs the packages of package-lock.json unless they are there. */
export function installPackages() {
  if (existsSync(join(root, "node_modules", ".package-lock.json"))) return;
  say("Installing packages (npm ci)");
  if (!run(process.platform === "win32" ? "npm.cmd" : "npm", ["ci", "--no-audit", "--no-fund"]))
    throw new Error("npm ci failed");
}

/** The program of a package: `node <root>/node_modules/<path>`. */
export function packageProgram(path) {
  return join(root, "node_modules", path);
}

function onPath(name) {
  return (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, process.platform === "win32" ? `${name}.exe` : name))
    .find((file) => existsSync(file));
}

/** Browsers that Playwright downloaded earlier, newest first. */
function playwrightBrowsers() {
  const folders = [
    process.env.PLAYWRIGHT_BROWSERS_PATH,
    join(homedir(), ".cache", "ms-playwright"),
    join(homedir(), "Library", "Caches", "ms-playwright"),
    join(homedir(), "AppData", "Local", "ms-playwright"),
  ];
  const programs = [
    ["chrome-linux", "chrome"],
    ["chrome-linux64", "chrome"],
    ["chrome-mac", "Chromium.app", "Contents", "MacOS", "Chromium"],
    ["chrome-mac-arm64", "Google Chrome for Testing.app", "Contents", "MacOS", "Google Chrome for Testing"],
    ["chrome-win", "chrome.exe"],
    ["chrome-win64", "chrome.exe"],
  ];
  return folders
    .filter((folder) => folder && existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => /^chromium-\d+$/.test(name))
        .sort()
        .reverse()
        .flatMap((name) => programs.map((parts) => join(folder, name, ...parts))),
    )
    .filter((file) => existsSync(file));
}

/** A Chromium or Chrome of this machine, or undefined. */
export function findBrowser() {
  const given = process.env.CHROME_PATH;
  if (given && existsSync(given)) return given;
  for (const name of ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]) {
    const file = onPath(name);
    if (file) return file;
  }
  const installed = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
    "C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe",
  ];
  return installed.find((file) => existsSync(file)) ?? playwrightBrowsers()[0];
}

const APT_ENV = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
const APT_TIMEOUT = 300_000;

/** Whether this is a Debian or Ubuntu where we may install packages. */
export function mayInstall() {
  return process.platform === "linux" && process.getuid?.() === 0 && onPath("apt-get") !== undefined;
}

export function aptUpdate() {
  return run("apt-get", ["update", "-qq"], { env: APT_ENV, timeout: APT_TIMEOUT });
}

export function aptInstall(args) {
  return run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...args], {
    env: APT_ENV,
    timeout: APT_TIMEOUT,
  });
}

/** Finds a browser or installs one. */
export function ensureBrowser() {
  const found = findBrowser();
  if (found) return found;
  say("No Chromium or Chrome found: asking Playwright for its own");
  const playwright = (...args) =>
    run(process.execPath, [packageProgram("@playwright/test/cli.js"), ...args], { timeout: 600_000 });
  // The libraries that the browser needs come after it: without the browser they are of no use.
  if (playwright("install", "chromium") && (!mayInstall() || playwright("install-deps", "chromium")) && findBrowser())
    return findBrowser();
  if (mayInstall()) {
    say("Playwright's browser cannot be had: installing Chromium with apt-get");
    if (aptUpdate() && aptInstall(["chromium"]) && findBrowser()) return findBrowser();
  }
  throw new Error("No Chromium or Chrome could be found or installed. Install one, or name it in CHROME_PATH.");
}

/** Installs a Firefox for the one test that wants it, where that is possible; the test is skipped without. */
export function ensureFirefox() {
  if (process.env.FIREFOX_PATH || onPath("firefox-esr") || onPath("firefox") || !mayInstall()) return;
  say("No Firefox found: installing firefox-esr with apt-get");
  if (!(aptUpdate() && aptInstall(["firefox-esr"]))) say("Firefox cannot be had; its test is skipped");
}

/** What `basin doctor` says of this machine's adapter; undefined when there is none. */
function doctor() {
  const result = spawnSync(process.execPath, [join(root, "bin", "basin.mjs"), "doctor", "--json"], {
    cwd: root,
    encoding: "utf8",
    timeout: 180_000,
  });
  try {
    const { adapter, driver } = JSON.parse(result.stdout);
    return { adapter, driver };
  } catch {
    return { problem: result.stderr.trim() };
  }
}

/**
 * Makes sure that Node finds a WebGPU adapter: a real one, else a software driver, of which Mesa's lavapipe (25 or
 * newer) is several times faster than Chromium's SwiftShader. Says which one is used.
 * @returns whether the adapter is a software adapter
 */
export function ensureGraphics(browser) {
  useDriverOfBrowser(browser);
  let found = doctor();
  const slow = () =>
    found.adapter === undefined ||
    (found.adapter.software && !/llvmpipe/i.test(`${found.adapter.device} ${found.adapter.description}`));
  if (slow() && mayInstall()) {
    installLavapipe();
    found = doctor();
  }
  if (found.adapter === undefined) throw new Error(`Node finds no WebGPU adapter. ${found.problem ?? ""}`);
  const { adapter, driver } = found;
  say(
    "WebGPU in Node: " +
      `${adapter.description || adapter.device || adapter.vendor}${adapter.software ? " (software)" : ""}` +
      `, driver ${driver}`,
  );
  return adapter.software;
}

/** Chromium brings SwiftShader and a Vulkan loader; a machine without either of its own can use these. */
function useDriverOfBrowser(browser) {
  if (process.platform !== "linux") return;
  const folder = [
    dirname(browser),
    "/usr/lib/chromium",
    "/usr/lib/chromium-browser",
    "/opt/google/chrome",
    ...playwrightBrowsers().map(dirname),
  ].find((place) => existsSync(join(place, "vk_swiftshader_icd.json")));
  if (folder === undefined) return;
  process.env.BASIN_SWIFTSHADER ??= join(folder, "vk_swiftshader_icd.json");
  const loaders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
  if (loaders.some((place) => existsSync(join(place, "libvulkan.so.1"))) || !existsSync(join(folder, "libvulkan.so.1")))
    return;
  process.env.LD_LIBRARY_PATH = [folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(delimiter);
}

/** Mesa's software Vulkan driver. Debian 12 has a version that Dawn refuses; its backports have a newer one. */
function installLavapipe() {
  const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  say("No GPU for Node: trying Mesa's software Vulkan driver (apt-get)");
  const target = [];
  if (/^VERSION_CODENAME=bookworm$/m.test(release)) {
    addBackports();
    target.push("-t", "bookworm-backports");
  }
  const installed = aptUpdate() && aptInstall([...target, "libvulkan1", "mesa-vulkan-drivers"]);
  if (!installed) {
    aptInstall(["libvulkan1"]);
    say("Mesa's driver cannot be had; SwiftShader will do, more slowly");
  }
}

/** bookworm-backports from the mirror that the machine already uses. */
function addBackports() {
  const folder = "/etc/apt/sources.list.d";
  const files = [
    "/etc/apt/sources.list",
    ...(existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []),
  ].filter((file) => /\.(list|sources)$/.test(file) && existsSync(file));
  const texts = files.map((file) => readFileSync(file, "utf8"));
  if (texts.some((text) => text.includes("bookworm-backports"))) return;
  const all = texts.join("\n");
  const uri = (/^URIs:\s*(\S*debian\/?)\s*$/m.exec(all) ??
    /^deb\s+(?:\[[^\]]*\]\s+)?(\S*debian\/?)\s+bookworm\s/m.exec(all))?.[1];
  if (uri === undefined) return;
  try {
    writeFileSync(
      join(folder, "basin-backports.sources"),
      `Types: deb\nURIs: ${uri}\nSuites: bookworm-backports\nComponents: main\n` +
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n",
    );
  } catch (error) {
    say(`The backports cannot be added: ${error instanceof Error ? error.message : error}`);
  }
}
