/** @file `basin tune`: what it measures is kept, shown by `basin doctor`, and forgotten on request. */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { basin, folder } from "./support.ts";

interface Tuned {
  readonly measured: number;
  readonly left: number;
  readonly routes: readonly {
    readonly product: string;
    readonly kernel: string;
    readonly ms: number;
    readonly others: readonly { readonly ms: number }[];
  }[];
}

describe("basin tune", () => {
  it("stores what it measured for later commands, within its time limit", async () => {
    const env = { BASIN_CACHE: folder() };
    const nothing = await basin(["tune", "--seconds", "0", "--json"], { env });
    expect(nothing.code, nothing.stderr).toBe(0);
    const before = JSON.parse(nothing.stdout) as Tuned;
    expect(before).toMatchObject({ measured: 0, routes: [] });
    expect(before.left).toBeGreaterThan(3);

    // One measurement is begun, and none after it.
    const one = await basin(["tune", "--seconds", "0.001", "--json"], { env });
    expect(one.code, one.stderr).toBe(0);
    const tuned = JSON.parse(one.stdout) as Tuned;
    expect(tuned).toMatchObject({ measured: 1, left: before.left - 1 });
    const [route] = tuned.routes;
    expect(route?.product).toMatch(/\d+×\d+×\d+/);
    expect(route?.ms).toBeGreaterThan(0);
    expect(route?.others.length).toBeGreaterThan(0);

    const doctor = await basin(["doctor", "--json"], { env });
    expect((JSON.parse(doctor.stdout) as { kernels: unknown }).kernels).toEqual(tuned.routes);

    // A damaged file counts as nothing measured.
    const [file = ""] = readdirSync(env.BASIN_CACHE);
    const kept = readFileSync(join(env.BASIN_CACHE, file), "utf8");
    writeFileSync(join(env.BASIN_CACHE, file), kept.slice(0, -9));
    expect((JSON.parse((await basin(["doctor", "--json"], { env })).stdout) as { kernels: unknown }).kernels).toEqual(
      [],
    );

    const forgotten = await basin(["tune", "--forget"], { env });
    expect(forgotten.code, forgotten.stderr).toBe(0);
    expect(readdirSync(env.BASIN_CACHE)).toEqual([]);
  });

  it("reports a cache folder that cannot be written", async () => {
    const path = join(folder(), "file");
    writeFileSync(path, "");
    const { code, stderr, stdout } = await basin(["tune", "--seconds", "0", "--json"], { env: { BASIN_CACHE: path } });
    expect(code, stderr).toBe(0);
    expect(stderr).toContain(`could not be saved in ${path}`);
    expect(JSON.parse(stdout)).toMatchObject({ measured: 0 });
  });
});
