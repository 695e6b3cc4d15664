/**
 * @file webgpu-llm trains on devices with shader-f16, subgroups of 32 and timestamp queries, and refuses every other. It has not been
 * run here, because no such device was at hand; it is listed so that its absence is explained.
 */

import type { OpenContender } from "../contenders/contender.ts";

const NEEDS = ["shader-f16", "subgroups", "timestamp-query"] as const;

export const openWebgpuLlm: OpenContender = async (api) => {
  const adapter = await api.requestAdapter();
  const missing = NEEDS.filter((feature) => adapter?.features.has(feature) !== true);
  const width = adapter?.info.subgroupMinSize;
  const reasons = [...(missing.length > 0 ? [`this device has no ${missing.join(", ")}`] : []), ...(width !== undefined && width !== 32 ? [`its subgroups are of ${width}, not 32`] : [])];
  return { name: "webgpu-llm", version: "0.1.0", refused: reasons.join(", ") || "this device has what it needs, but the comparison was never written for want of one" };
};
