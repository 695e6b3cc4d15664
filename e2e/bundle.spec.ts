/** @file What a first visit fetches: the page's own script stays small, and nothing heavy comes before it is wanted. */
import { basename } from "node:path";
import { expect, test } from "@playwright/test";
import { bundleReport, INITIAL_LIMIT } from "../scripts/bundle/bundleReport.ts";
import { BUILT } from "./staticSite.ts";

test("opening the page fetches what the bundle report calls initial, the area in front and two workers", async ({
  page,
  context,
}) => {
  const { files, totals } = bundleReport(BUILT);
  expect(totals.page.gzip).toBeLessThan(INITIAL_LIMIT);

  const asked = new Set<string>();
  context.on("request", (request) => {
    if (request.url().endsWith(".js")) asked.add(basename(request.url()));
  });
  await page.goto("./");
  await expect(page.getByTestId("device-chip")).not.toContainText("Opening");
  await expect(page.getByRole("tab", { name: "Start", exact: true })).toBeVisible();
  await page.waitForLoadState("networkidle");
  const fetched = files.filter(({ file }) => asked.has(file));
  expect(fetched.length).toBe(asked.size);
  expect(files.filter(({ file, part }) => part === "page" && !asked.has(file))).toEqual([]);
  const names = (part: string): string[] => fetched.filter((file) => file.part === part).map(({ name }) => name);
  expect(
    names("worker")
      .filter((name) => name.includes("worker"))
      .sort(),
  ).toEqual(["gpu.worker", "weights.worker"]);
  expect(names("on demand")).toContain("StartArea");
  expect(
    names("on demand").filter((name) =>
      /^ort|Area$|Chart|Heatmap|QrView|SitePanel|profileStep|pythonArchive|papaparse|hubLibrary/.test(name),
    ),
  ).toEqual(["StartArea"]);
  // The page's thread, its first area included.
  expect(fetched.filter(({ part }) => part !== "worker").reduce((sum, { gzip }) => sum + gzip, 0)).toBeLessThan(
    INITIAL_LIMIT,
  );
});
