/** @file What browsers say of an adapter: whether it computes on the CPU, and how it is named. */

import { describe, expect, it } from "vitest";
import { type AdapterFacts, type Gpu, describeAdapter, describeDevice } from "../../src/engine/device.ts";

const HIDDEN: AdapterFacts = { vendor: "", architecture: "", device: "", description: "", isFallbackAdapter: false };

/** As the browsers named gave it. */
const ADAPTERS: readonly (Partial<AdapterFacts> & { browser: string; software: boolean; name: string })[] = [
  { browser: "Firefox 153, software", isFallbackAdapter: true, software: true, name: "unnamed adapter (software)" },
  { browser: "Firefox 153, GPU", software: false, name: "unnamed adapter" },
  {
    browser: "Chromium 142, SwiftShader",
    vendor: "google",
    architecture: "swiftshader",
    isFallbackAdapter: true,
    software: true,
    name: "google swiftshader (software)",
  },
  { browser: "Chromium, GPU", vendor: "nvidia", architecture: "hopper", software: false, name: "nvidia hopper" },
  {
    browser: "Dawn in Node, a software driver that it does not mark",
    vendor: "mesa",
    description: "llvmpipe: Mesa 25.0.7",
    software: true,
    name: "llvmpipe: Mesa 25.0.7 (software)",
  },
  {
    browser: "Deno 2.9",
    vendor: "65541",
    device: "0",
    description: "llvmpipe (LLVM 15.0.6, 256 bits)",
    isFallbackAdapter: true,
    software: true,
    name: "llvmpipe (LLVM 15.0.6, 256 bits) (software)",
  },
];

describe("an adapter", () => {
  it.each(ADAPTERS)("of $browser", ({ software, name, browser: _, ...facts }) => {
    const adapter = describeAdapter({ ...HIDDEN, ...facts });
    expect(adapter.software).toBe(software);
    expect(describeDevice({ adapter } as Gpu)).toBe(name);
  });
});
