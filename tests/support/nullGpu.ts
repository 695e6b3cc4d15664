/** @file A WGSL compiler without any driver: Dawn's null backend. */

import { create, globals } from "webgpu";

/** Dawn crashes when an instance is garbage-collected while one of its devices lives: keep them all. */
const instances: GPU[] = [];

/** @param toggles of Dawn, such as "allow_unsafe_apis" for experimental features */
export function nullGpu(toggles: readonly string[] = []): GPU {
  Object.assign(globalThis, globals);
  const api = create(["backend=null", ...toggles.map((toggle) => `enable-dawn-features=${toggle}`)]);
  instances.push(api);
  return api;
}
