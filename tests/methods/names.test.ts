/** @file A method is known to its own file alone: elsewhere in src/ nothing decides by its name. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { methods } from "../../src/methods/registry.ts";

const SOURCES = fileURLToPath(new URL("../../src", import.meta.url));
const NAMES = methods.map(({ name }) => name).join("|");

/** Comparisons with a name, cases of a switch, and records by name of two methods or more. */
const DECIDES = [
  new RegExp(`(?:[!=]==?|\\bcase)\\s*["'\`](?:${NAMES})["'\`]`),
  new RegExp(`["'\`](?:${NAMES})["'\`]\\s*[!=]==?`),
  new RegExp(`\\bincludes\\(["'\`](?:${NAMES})["'\`]\\)`),
  new RegExp(`^\\s*(?:safe_lora|safe_instr|safe_merge|lisa|bea):`, "m"),
];

const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => /\.tsx?$/.test(file));

it("no file outside src/methods decides by a method's name", () => {
  const deciding = files.filter((file) => {
    const text = readFileSync(join(SOURCES, file), "utf8");
    return !file.startsWith("methods/") && DECIDES.some((pattern) => pattern.test(text));
  });
  expect(deciding).toEqual([]);
});

it("within src/methods a name stands in the method's own file, and in the one that says which is the plain one", () => {
  for (const { name } of methods) {
    const naming = files.filter(
      (file) =>
        /^methods\/[^/]*\.ts$/.test(file) && readFileSync(join(SOURCES, file), "utf8").includes(`z.literal("${name}")`),
    );
    expect(naming, name).toHaveLength(1);
  }
});

it("the test itself sees a switch, a comparison and a record", () => {
  for (const text of ['case "lisa":', 'method.name === "asft"', '"bea" !== name', "  safe_lora: 1,"])
    expect(
      DECIDES.some((pattern) => pattern.test(text)),
      text,
    ).toBe(true);
  expect(DECIDES.some((pattern) => pattern.test('method: { name: "asft", lambda: 1 }'))).toBe(false);
});
