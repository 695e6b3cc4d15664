/** @file `basin analyse`: the list, the three formats, and what is said of inputs that are missing. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { basin } from "./support.ts";

const ADAPTER = fileURLToPath(new URL("../fixtures/adapters/patterns", import.meta.url));

const GOLDEN = fileURLToPath(new URL("../fixtures/golden/llama-tied", import.meta.url));
const QV = join(GOLDEN, "adapters/qv-random");
const SPEC = join(mkdtempSync(join(tmpdir(), "basin-directions-")), "spec.json");
writeFileSync(
  SPEC,
  JSON.stringify({ model: { aligned: join(GOLDEN, "aligned"), unaligned: join(GOLDEN, "unaligned") } }),
);
afterAll(() => rmSync(dirname(SPEC), { recursive: true }));

describe("basin analyse", () => {
  it("lists all analyses when called without a name", async () => {
    const { code, stdout } = await basin(["analyse"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^update_geometry\n {2}How large is the update/);
  });

  it("prints the same modules as text, CSV and JSON", async () => {
    const run = (format: string) => basin(["analyse", "update_geometry", "--adapter", ADAPTER, "--format", format]);
    const [text, csv, json] = await Promise.all([run("text"), run("csv"), run("json")]);
    const { tables } = JSON.parse(json.stdout) as { tables: { rows: { module: string; norm: number }[] }[] };
    const rows = tables[0]?.rows ?? [];
    expect(rows.length).toBeGreaterThan(0);
    expect(csv.stdout.split("\r\n")[0]).toBe("module,r,norm,largest,stable_rank,effective_rank");
    for (const { module, norm } of rows) {
      expect(text.stdout).toContain(module);
      expect(csv.stdout).toContain(`${module},`);
      expect(csv.stdout).toContain(`,${norm},`);
    }
  });

  it("takes the pair of a spec for the directions", async () => {
    const { code, stdout, stderr } = await basin(["directions", SPEC, "--adapter", QV, "-k", "3", "--json"]);
    expect(code, stderr).toBe(0);
    const { tables } = JSON.parse(stdout) as { tables: { rows: { module: string; left_share: number }[] }[] };
    expect(tables[0]?.rows.map(({ module }) => module)).toHaveLength(4);
    expect(tables[0]?.rows.every(({ left_share }) => left_share > 0 && left_share <= 1)).toBe(true);
    expect(tables[1]?.rows).toHaveLength(12);
  });

  it("reports which input an analysis lacks, and which analyses exist", async () => {
    const missing = await basin(["analyse", "update_geometry"]);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toMatch(/needs an adapter, and none was given/);
    const unknown = await basin(["analyse", "phrenology"]);
    expect(unknown.stderr).toMatch(/no analysis called "phrenology"[\s\S]*update_geometry/);
  });

  it("refuses options that are not a JSON object", async () => {
    const { stderr } = await basin(["analyse", "update_geometry", "--adapter", ADAPTER, "--options", "[1]"]);
    expect(stderr).toMatch(/options are not a JSON object/);
  });
});
