/**
 * @file Texts that are only read out are positioned absolutely: a scroll container around them must be what they are
 * positioned in, or they widen the page.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const LAB = fileURLToPath(new URL("../../src/lab", import.meta.url));

it("every box that scrolls is positioned", () => {
  const rules = readdirSync(LAB, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".css"))
    .flatMap((file) =>
      readFileSync(`${LAB}/${file}`, "utf8")
        .split("}")
        .map((rule) => `${file}:${rule.replace(/^[\s\S]*?\n(?=\S)/, "")}`),
    );
  const scrolling = rules.filter((rule) => /overflow(-x|-y)?: (auto|scroll)/.test(rule));
  expect(scrolling.length).toBeGreaterThan(5);
  expect(scrolling.filter((rule) => !/position: (relative|sticky|fixed|absolute)/.test(rule))).toEqual([]);
});
