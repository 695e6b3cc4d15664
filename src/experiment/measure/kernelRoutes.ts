/**
 * @file The measured routes of a device, kept from one visit to the next.
 *
 * They hold for one device, one driver or browser, and one text of the kernels: `identityOf` is the digest of all
 * three, and routes are stored under it. What a store gives back is checked as any file is; what cannot be read counts
 * as nothing measured.
 */

import { z } from "../../base/zod.ts";
import type { Gpu } from "../../engine/device.ts";
import { kernelText } from "../../engine/kernel.ts";
import { type MatmulKernels, matmulKernels } from "../../engine/matmul/registry.ts";
import { MATMUL_FORMS, problemKey } from "../../engine/routing/problem.ts";
import type { RouteTable } from "../../engine/routing/router.ts";
import { sha256 } from "../../base/sha256.ts";

const FORMAT = "basin-kernel-routes";

/** Somewhere that keeps texts by name: a folder, the browser's storage. */
export interface RouteStore {
  /** undefined where there is none. */
  read(identity: string): Promise<string | undefined>;
  write(identity: string, text: string): Promise<void>;
  remove(identity: string): Promise<void>;
}

const side = z.int().min(1);
const problemSchema = z.object({
  form: z.enum(MATMUL_FORMS),
  dtype: z.enum(["f32", "bf16", "f16", "int8", "nf4", "nf4_double"]),
  m: side,
  n: side,
  k: side,
});

function routeSchema({ names }: MatmulKernels) {
  const kernel = z.enum(names);
  return z.object({ problem: problemSchema, kernel, ms: z.partialRecord(kernel, z.number().min(0)) });
}

function fileSchema(kernels: MatmulKernels) {
  return z.object({ format: z.literal(FORMAT), identity: z.string(), routes: z.array(routeSchema(kernels)) });
}

/** Of routes by the key of their problem. */
export const routeTableSchema = z.record(z.string(), routeSchema(matmulKernels));

/**
 * @param platform what else a measurement depends on: the browser or the driver, with its version
 * @returns 32 hexadecimal digits
 */
export async function identityOf(gpu: Gpu, platform: string): Promise<string> {
  const { vendor, architecture, device, description } = gpu.adapter;
  const { names, families } = gpu.matmulKernels;
  const all = JSON.stringify([
    FORMAT,
    vendor,
    architecture,
    device,
    description,
    platform,
    [...gpu.device.features].sort(),
    names,
    ...families.map((family) => kernelText({ family, constants: {} })),
  ]);
  return (await sha256(new TextEncoder().encode(all))).slice(0, 32);
}

/**
 * Give the device's router what was measured on an earlier visit. A store that fails, or a file that is damaged, means
 * that nothing was.
 */
export async function loadRoutes(gpu: Gpu, store: RouteStore, platform: string): Promise<void> {
  const identity = await identityOf(gpu, platform);
  const text = await store.read(identity).catch(() => undefined);
  if (text !== undefined) gpu.router.load(parseRoutes(text, identity, gpu.matmulKernels));
}

/**
 * Keep what is known now. @returns false where the store refused: the measurements then hold until the device is closed
 */
export async function saveRoutes(gpu: Gpu, store: RouteStore, platform: string): Promise<boolean> {
  const identity = await identityOf(gpu, platform);
  const text = JSON.stringify({ format: FORMAT, identity, routes: Object.values(gpu.router.table) });
  return store.write(identity, text).then(
    () => true,
    () => false,
  );
}

/** Forget what was measured, here and in the store. */
export async function forgetRoutes(gpu: Gpu, store: RouteStore, platform: string): Promise<void> {
  gpu.router.clear();
  await store.remove(await identityOf(gpu, platform));
}

function parseRoutes(text: string, identity: string, kernels: MatmulKernels): RouteTable {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return {};
  }
  const parsed = fileSchema(kernels).safeParse(value);
  if (!parsed.success || parsed.data.identity !== identity) return {};
  return Object.fromEntries(parsed.data.routes.map((route) => [problemKey(route.problem), route]));
}
