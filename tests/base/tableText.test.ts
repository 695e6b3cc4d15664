/** @file Tables for spreadsheets and Markdown: nothing that computes, nothing that breaks the table. */
import { expect, it } from "vitest";
import { csvText, markdownTable } from "../../src/base/tableText.ts";

it("disarms texts that a spreadsheet would take for formulas, and leaves numbers alone", () => {
  const risky = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx"];
  const lines = csvText(risky.map((text) => ({ text, number: -1 })));
  for (const text of risky) expect(lines).toContain(`'${text}`);
  expect(lines.match(/,-1\r\n/g)).toHaveLength(risky.length);
});

it("quotes commas, quotes and line breaks", () => {
  expect(csvText([{ a: 'x,"y"\nz' }])).toBe('a\r\n"x,""y""\nz"\r\n');
});

it("has the columns of all rows, empty where a row has none", () => {
  expect(csvText([{ a: 1 }, { b: 2 }])).toBe("a,b\r\n1,\r\n,2\r\n");
});

it("keeps a cell of Markdown in its cell and on its line", () => {
  expect(markdownTable(["a|b"], [["x\r\ny"], ["\\|"]])).toBe("| a\\|b |\n|---|\n| x y |\n| \\\\\\| |");
});
