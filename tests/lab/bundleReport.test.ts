/** @file The bundle report: what comes with a page, with its workers and on demand, read from built files. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { bundleReport, bundleText } from "../../scripts/bundle/bundleReport.ts";

const folder = mkdtempSync(join(tmpdir(), "basin-bundle-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("tells what comes with the page, as a worker, and on demand, and who asks for it", () => {
  expect(() => bundleReport(folder)).toThrow("no built page");
  mkdirSync(join(folder, "assets"));
  writeFileSync(
    join(folder, "index.html"),
    '<script type="module" src="./assets/index-aaaaaaaa.js"></script><link rel="modulepreload" ' +
      'href="./assets/shared-bbbbbbbb.js"><link rel="stylesheet" href="./assets/index-cccccccc.css">',
  );
  const scripts: Record<string, string> = {
    "index-aaaaaaaa.js":
      'import { a } from "./shared-bbbbbbbb.js"; import("./area-dddddddd.js"); new Worker(new ' +
      'URL("" + a, import.meta.url)); const w = new Worker(new URL(`w.worker-eeeeeeee.js`, ' +
      'import.meta.url)); const text = "./lonely-99999999.js";',
    "shared-bbbbbbbb.js": 'export { x as a } from "./deep-ffffffff.js";',
    "deep-ffffffff.js": "export const x = 1;",
    "area-dddddddd.js": 'import "./shared-bbbbbbbb.js"; import "./part-gggggggg.js"; import "./both-hhhhhhhh.js";',
    "part-gggggggg.js": 'import("./index-aaaaaaaa.js");',
    "w.worker-eeeeeeee.js": 'import "./both-hhhhhhhh.js"; import("./heavy-iiiiiiii.js");',
    "both-hhhhhhhh.js": "export {};",
    "heavy-iiiiiiii.js": `const heavy = "${"heavy ".repeat(1000)}";`,
    "lonely-99999999.js": "",
  };
  for (const [name, text] of Object.entries(scripts)) writeFileSync(join(folder, "assets", name), text);
  writeFileSync(join(folder, "assets", "index-cccccccc.css"), "a{}");
  const report = bundleReport(folder);
  expect(Object.fromEntries(report.files.map(({ name, part, by }) => [name, [part, by]]))).toEqual({
    index: ["page", ""],
    shared: ["page", ""],
    deep: ["page", ""],
    "w.worker": ["worker", "index"],
    both: ["worker", "with w.worker, area"],
    area: ["on demand", "index"],
    part: ["on demand", "with area"],
    heavy: ["on demand", "w.worker"],
    lonely: ["on demand", ""],
  });
  const size = (name: string): number => report.files.find((file) => file.name === name)?.raw ?? Number.NaN;
  expect(report.totals.page.raw).toBe(size("index") + size("shared") + size("deep"));
  expect(report.styles.raw).toBe(3);
  expect(report.files.find(({ name }) => name === "heavy")?.gzip).toBeLessThan(200);
  expect(bundleReport(folder, { brotli: true }).totals["on demand"].brotli).toBeGreaterThan(0);
  expect(bundleText(report)).toMatch(/with the page +0\.\d +0\.\d +limit 380\.0 compressed/);
});
