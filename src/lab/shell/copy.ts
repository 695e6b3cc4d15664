/**
 * @file Texts of the page around the areas: tabs, header, tour, notices. Texts of the panel "Diagnostics":
 * diagnostics/copy.ts.
 */
import { plural } from "../support/format.ts";
import type { BrowserName } from "./header/browser.ts";
import type { NoGpuCase } from "./header/noGpuCase.ts";
import type { Area } from "./app/viewStore.ts";

export const AREA_TITLES: Readonly<Record<Area, string>> = {
  start: "Start",
  setup: "Setup",
  data: "Data",
  run: "Run",
  chat: "Chat",
  runs: "Runs",
  table: "Table",
  basin: "Basin",
  learn: "Learn",
};

export const PAGE = {
  areas: "Areas",
  setup: "Setup",
  runProgress: "The run’s progress",
  diagnostics: "Diagnostics",
  tour: "The tour",
  skipToContent: "Skip to content",
  tableProgress: (finished: number, all: number): string => `${finished} of ${all}`,
};

export const HEADER = {
  name: "Basin",
  tagline: "fine-tune a model on your own GPU and measure its safety",
  opening: "Opening the GPU",
  openingHint: "Requesting a WebGPU device from the browser.",
  missing: "No WebGPU",
  lost: "Device lost",
  software: (name: string): string => `Software: ${name}`,
  softwareHint: (limits: string): string =>
    `Training runs on the CPU: this browser offers only a software adapter. Results are the same as on a GPU, but ` +
    `each step takes many times longer.\n${limits}`,
  gpuHint: (limits: string): string => `Everything runs on this device; nothing is uploaded.\n${limits}`,
  limits: (buffer: string, binding: string): string => `Largest buffer ${buffer}, largest binding ${binding}.`,
  copyLink: "Copy link",
  copyLinkShort: "Link",
  copyLinkHint: "Copy a link to this experiment. The link itself contains all settings; nothing is stored on a server.",
  copyLinkInvalid: "Fix the invalid settings first.",
  linkCopied: "Link copied. It opens this experiment with all its settings.",
  tour: "Take the tour",
  tourHint: (stops: number): string => `Take the tour: ${stops} stops, one minute`,
  presentation: "Presentation mode",
  presentationOn: (keys: string): string => `Larger text for a projector (${keys})`,
  presentationOff: (keys: string): string => `Back to normal size (${keys})`,
  scheme: (scheme: "light" | "dark"): string => `Switch to ${scheme} mode`,
};

export const SOFTWARE_NOTICE = {
  label: "Software adapter",
  title: "Training runs on the CPU.",
  text: (adapter: string): string =>
    `This browser offers no hardware GPU, only a software adapter (${adapter}). Results are the same as on a GPU, ` +
    "but each step takes many times longer. Use the bundled models here; models from the Hub are too slow. Setup " +
    "shows the training time once a step has been measured.",
  useGpu: "Use this computer’s GPU",
  dismiss: "Dismiss",
};

export const NO_GPU = {
  titles: {
    insecure: "Open this page over https: WebGPU is not available otherwise",
    no_api: "The lab needs WebGPU, which this browser does not offer",
    no_adapter: "The lab needs WebGPU, but this browser found no suitable GPU",
    limits: "This GPU’s limits are too low for the lab",
    refused: "The GPU could not be opened",
  } satisfies Record<NoGpuCase, string>,
  stillWorks:
    "Basin trains on your own GPU through WebGPU, so that nothing leaves this machine. Without a GPU you can still " +
    "edit an experiment, look at its data, read earlier runs, copy links, and ",
  learn: "learn how it works",
  whatToDo: "What to do",
  trySecure: "Try ",
  secure: [
    "Or run the lab on your own computer: `npm start` serves it at `http://localhost`, which browsers trust.",
    "If you run this server, set up https: WebGPU, the offline copy and the model storage all need it.",
  ],
  enableIn: (browser: string): string => `How to enable WebGPU in ${browser}`,
  anotherBrowser: "another browser",
  otherBrowsers: "Other browsers",
};

/** How to get WebGPU on the hardware, by browser. Text between backticks is set as code. */
export const GPU_HINTS: Readonly<Record<BrowserName, { readonly title: string; readonly steps: readonly string[] }>> = {
  chromium: {
    title: "Chrome, Edge and other Chromium browsers",
    steps: [
      "Use version 113 or later on Windows, macOS or ChromeOS, 121 or later on Android.",
      "Open `chrome://gpu` (Edge: `edge://gpu`). The line “WebGPU” should say “Hardware accelerated”.",
      "If it says “Disabled”, turn on “graphics acceleration” in the browser’s settings under “System”, update the " +
        "graphics driver and restart the browser.",
      "On Linux, or if the driver is blocked: set `chrome://flags/#enable-unsafe-webgpu` to “Enabled”, and on Linux " +
        "`chrome://flags/#enable-vulkan` as well.",
    ],
  },
  firefox: {
    title: "Firefox",
    steps: [
      "On Windows, use version 141 or later; on Macs with Apple silicon, 145 or later.",
      "Elsewhere, open `about:config`, set `dom.webgpu.enabled` to true and reload this page. In Firefox Nightly it " +
        "is on by default.",
      "If nothing changes, see `about:support` under “Graphics” for why it is blocked; `gfx.webgpu.ignore-blocklist` " +
        "overrides it. Or open the lab in Chrome or Edge.",
    ],
  },
  safari: {
    title: "Safari",
    steps: [
      "Safari 26 has WebGPU: update macOS, iOS, iPadOS or visionOS to version 26.",
      "On an older macOS: Settings, Advanced, “Show features for web developers”; then Develop, Feature Flags, " +
        "“WebGPU”.",
      "Or open the lab in Chrome or Edge.",
    ],
  },
  other: {
    title: "Your browser",
    steps: ["Open the lab in a current Chrome, Edge, Firefox (Windows, or Apple silicon) or Safari 26."],
  },
};

export const TOUR = {
  label: (at: number, stops: number, title: string): string => `Tour, ${at} of ${stops}: ${title}`,
  position: (at: number, stops: number): string => `${at} of ${stops}`,
  close: "Close",
  end: "End tour",
  back: "Back",
  next: "Next",
  finish: "Go to Start",
  start: {
    title: "Start from a complete experiment",
    text:
      "Each card is a complete experiment. This one teaches the bundled model sums from rows that include harmful " +
      "answers, and shows how many of its refusals are left.",
  },
  setup: {
    title: "Change any setting",
    text:
      "Models, data, method, training and evaluation, with sensible defaults. The button at the bottom starts the " +
      "run; above it you see the memory and time that it needs.",
  },
  data: {
    title: "Look at the rows first",
    text: "Every training row, token by token: which rows are harmful, and which tokens the model is trained on.",
  },
  run: {
    title: "Watch it train",
    text: "Scores before and after training, curves during training. Each score has a 95 % interval and its counts.",
  },
  chat: {
    title: "Ask all three models",
    text: "The unaligned, the aligned and the tuned model answer the same question, side by side.",
  },
  runs: {
    title: "Compare runs",
    text:
      "Every run is saved in this browser: sort, filter and tag runs, see how their settings differ, and weigh " +
      "safety against task accuracy. The Learn tab explains the methods.",
  },
};

export const UNCAUGHT_ERROR = {
  times: (n: number): string => `Happened ${plural(n, "time")}. `,
  consequences: "Your settings and finished runs are safe. If something stops responding, reload the page.",
  reload: "Reload",
  dismiss: "Dismiss",
};

export const UPDATE = {
  title: "A new version is ready.",
  otherTabs: (n: number): string =>
    n === 1
      ? "Another tab still uses the old version. Close it, then reload here."
      : `${n} other tabs still use the old version. Close them, then reload here.`,
  safe: "Your runs and settings are kept.",
};

/** A part of the page could not be loaded. */
export const SITE_FILES = {
  titles: {
    new_version: "A new version of Basin is on the server.",
    unreachable: "The site cannot be reached.",
    reachable: "A file of this page could not be loaded.",
  },
  texts: {
    new_version: "Parts of this page that were not loaded yet are gone. Reload to use the new version.",
    unreachable: "Parts of this page that were not loaded yet are missing until it is back; then try them again.",
    reachable: "The site is there and has not changed: try again.",
  },
  runContinues: "The run continues: it needs nothing more from the site.",
  dismiss: "Dismiss",
};

export const OFFLINE_CHIP = {
  online: "Works offline",
  offline: "Offline",
};

/** Why the lab has no offline copy; completes "The lab needs the network on each visit: …". */
export const NO_OFFLINE_COPY = {
  development: "this is the development server",
  noServiceWorker: "this browser offers no service workers here, as in some private windows",
  insecure: "browsers offer service workers only over https and on localhost",
  removed: "you removed the copy in this tab; the next visit saves it again",
  incomplete: "the download did not complete",
};
