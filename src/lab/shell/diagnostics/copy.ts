/** @file Texts of the panel "Diagnostics": device, kernels, profile, offline copy, network requests. */
import { plural } from "../../support/format.ts";

export const DIAGNOSTICS = {
  title: "Diagnostics",
  device: "Device",
  offline: "Offline use",
  network: "Network requests",
  waitForRun: "available when the run has finished",
};

export const DEVICE = {
  opening: "Requesting a WebGPU device from the browser.",
  asking: "Reading the device’s limits and memory.",
  software:
    "Training runs on the CPU: this browser offers only a software adapter. Results are the same as on a GPU, but " +
    "each step takes many times longer.",
  hardware: "Training, evaluation and chat run on this device.",
  adapter: "Adapter",
  largestBuffer: "Largest buffer",
  largestBinding: "Largest binding",
  memory: "Memory in use",
  peak: (size: string): string => `, peak ${size}`,
  planned: "Planned for these settings",
  plannedRun: "Planned for this run",
  training: "Training",
  speed: (rate: string): string => `${rate} tokens/s`,
  lastSpeed: (rate: string): string => `${rate} tokens/s in the last step`,
  more: "All limits and features",
  enabled: (features: string): string => `In use: ${features}. Optional features are never required.`,
  offered: (features: string): string => `Offered: ${features}.`,
  none: "none",
  check: "Check for correct results",
  passed: "Passed",
  failed: "Failed",
  wrong: "This device or its driver computes wrong results. Update the driver, and do not trust runs on this device.",
  checkFailed: "The check could not be run",
};

export const KERNELS = {
  title: "Kernels",
  about:
    "Several kernels can compute a matrix product, and which one is fastest depends on the device, so Basin times " +
    "them while the GPU is idle. Different kernels can change the last digits of a result: a run keeps the kernels " +
    "that it started with, and repeating a run with the same settings uses the same kernels.",
  fastPaths: (names: string): string => `Fast paths in use, each checked on this device: ${names}.`,
  noFastPaths: "none",
  choice: "Kernels to use",
  measured: "Measured kernels",
  builtIn: "Default kernels",
  builtInState: "No measurements are made or used.",
  nothingMeasured: "Nothing is measured yet. Basin measures the matrix products of runs and chats after they finish.",
  state: (measured: number, waiting: string): string => `${plural(measured, "product")} measured, ${waiting} waiting.`,
  measuring: (state: string): string => `Measuring: ${state}`,
  failed: (state: string, why: string): string => `${state} The others could not be measured: ${why}`,
  measure: "Measure now",
  stop: "Stop measuring",
  forget: "Delete measurements",
  notSaved: "This browser does not save data for this page: measurements last until you close the page.",
  commandFailed: "This did not work",
  list: (n: string): string => `${n} measured`,
  product: "Product, weight",
  kernel: "Kernel, alternatives",
  ms: "ms",
  gflops: "GFLOP/s",
  milliseconds: (ms: string): string => `${ms} ms`,
  descriptions: "What each kernel does",
  loraKernel: (name: string): string => `${name}, LoRA`,
};

export const PROFILE = {
  measure: "Profile a training step",
  noTimestamps: "this device has no timestamp queries",
  failed: "The profile could not be recorded",
  summary: (size: string, tokens: number, dispatches: number, sum: string, step: string): string =>
    `One AsFT step of a model of ${size} with ${tokens} tokens: ${dispatches} dispatches take ${sum} ms by the ` +
    `device’s timestamps; the step takes ${step} ms as in training. Click a kernel to see its source.`,
  columns: ["Operator", "Shape", "Kernel", "Count", "ms", "Share", "GFLOP/s"],
  source: (kernel: string): string => `${kernel}: source`,
  others: (n: number): string => plural(n, "more operator"),
  showAll: "Show all",
};

export const KERNEL_SOURCE = {
  about: (file: string, constants: string): string => (constants === "" ? file : `${file}, with ${constants}`),
  copy: "Copy source",
  copied: "Copied",
  copiedHint: "Copied to the clipboard.",
  hint: "WGSL as compiled. The highlighted lines are the kernel’s entry point.",
  label: (file: string): string => `WGSL of ${file}`,
};

export const OFFLINE = {
  unavailable: (why: string): string => `The lab needs the network on each visit: ${why}.`,
  preparing: "Saving a copy of the lab for offline use.",
  failed: (why: string): string =>
    `The lab needs the network on each visit, because its copy could not be saved: ${why}.`,
  ready: "The lab opens and trains offline.",
  saved: (files: number, size: string): string =>
    `The lab opens and trains offline: the program, the bundled models and the judge are saved in this browser ` +
    `(${files} files, ${size}, each checked by SHA-256).`,
  later: (size: string): string => `The runtime for ONNX judges (${size}) is saved after its first use.`,
  saveNow: "Save it now",
  version: (version: string, build: string): string => `Version ${version}, build ${build}.`,
  remove: "Remove the copy",
};

export const NETWORK = {
  nothingSent: (requests: string, hosts: number): string =>
    `Nothing was uploaded. All ${requests} requests of this tab are GET or HEAD without a body, ` +
    (hosts === 0
      ? "all to this page’s own site."
      : `to this page’s own site and ${plural(hosts, "host")} that you named or allowed.`),
  suspicious: (some: string, requests: string): string =>
    `${some} of ${requests} requests have a body or an unknown method. See the list.`,
  copy: "Copy the list",
  copied: "Copied",
  limitsTitle: "What this list does not include",
  limits: [
    "Requests by the browser itself (the page’s first file, its service worker, updates) and by browser extensions.",
    "Other tabs, and earlier visits. The list starts when the page is loaded.",
    "URLs are data too: a host sees which files are requested. The copied list contains every URL.",
    "The page itself keeps this list. To check independently, open the browser’s developer tools under “Network”.",
  ],
  ownHost: "this site",
  hub: "Hugging Face Hub",
  revokedHost: "no longer allowed",
  requests: (n: number, methods: readonly string[]): string => `${plural(n, "request")} (${methods.join(", ")})`,
  withToken: ", with your token",
  withBody: ", with a body",
  noPolicy: "This is the development server. The built page has a Content-Security-Policy; this one has none.",
  policyTitle: "Content-Security-Policy enforced by the browser",
  policy:
    "Scripts and styles load from this site only, and no form can be submitted. Requests may go to any https " +
    "address, because models and data come from wherever you choose.",
};
