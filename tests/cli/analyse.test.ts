/** @file `basin analyse`: the list, the three formats, and what is said of inputs that are missing. */
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { basin } from "./support.ts";

const ADAPTER = fileURLToPath(new URL("../fixtures/adapters/patterns", import.meta.url));

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
