/** @file `basin data` and `basin template`: what a run would read, without a device. */

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { DataReport } from "../../src/experiment/data/dataReport.ts";
import { basin, folder } from "./support.ts";

const TIMEOUT = 60_000;

function write(cwd: string, name: string, value: unknown): string {
  writeFileSync(join(cwd, name), typeof value === "string" ? value : JSON.stringify(value));
  return name;
}

describe("basin data", () => {
  it(
    "gives rows as text, tokens, labels and weights, and what was cut and dropped; too long rows are cut by default",
    async () => {
      const cwd = folder();
      const row = (output: string, weight?: number): string =>
        JSON.stringify({ instruction: "Say it.", output, ...(weight === undefined ? {} : { weight }) });
      write(cwd, "rows.jsonl", [row("yes"), row("no ".repeat(60)), row("half", 0.5), row("never", 0)].join("\n"));
      const spec = write(cwd, "spec.json", { data: { train: { path: "rows.jsonl" }, max_length: 40 } });
      const { code, stdout } = await basin(["data", spec, "--rows", "3", "--json"], { cwd });
      expect(code).toBe(0);
      const report = JSON.parse(stdout) as DataReport;
      expect(report.rows.map(({ row: at, tokens }) => [at, tokens.length <= 40])).toEqual([
        [0, true],
        [1, true],
        [2, true],
      ]);
      const [first, , third] = report.rows;
      expect(first?.where).toBe("rows.jsonl line 1");
      expect(first?.text).toContain("Say it.");
      expect(first?.labels).toHaveLength(first?.tokens.length ?? 0);
      expect(first?.labels.map((label) => (label === -100 ? 0 : 1))).toEqual(first?.weights);
      expect(new Set(third?.weights)).toEqual(new Set([0, 0.5]));
      expect(report.totals).toMatchObject({
        rows: 4,
        kept: 3,
        cut: [{ rows: 1, reason: "longer than 40 tokens (max_length)" }],
        dropped: [{ rows: 1, reason: "the loss has the weight 0" }],
        ignored: [],
      });
      expect(report.notes.join("\n")).toContain("cut to 40 tokens: rows.jsonl line 2");
    },
    TIMEOUT,
  );
});

describe("basin template", () => {
  it(
    "writes every field of the messages and the tools as transformers does, without weights",
    async () => {
      const cwd = folder();
      write(
        cwd,
        "chat_template.jinja",
        "{{ bos_token }}{% for m in messages %}{{ m.role }}={{ m.content }}" +
          "{% if m.tool_calls %}{{ m.tool_calls | tojson }}{% endif %};{% endfor %}" +
          "{{ tools | tojson }}{{ documents is none }}{% if add_generation_prompt %}>{% endif %}",
      );
      write(cwd, "tokenizer_config.json", { bos_token: "<s>" });
      write(cwd, "messages.json", [
        { role: "user", content: "Hi" },
        { role: "assistant", content: null, tool_calls: [{ a: 1 }] },
      ]);
      write(cwd, "tools.json", [{ name: "é" }]);
      const args = ["template", "--model", cwd, "--messages", "messages.json"];
      const { stdout } = await basin([...args, "--tools", "tools.json", "--add-generation-prompt"], { cwd });
      expect(JSON.parse(stdout)).toEqual({ text: '<s>user=Hi;assistant=None[{"a": 1}];[{"name": "é"}]True>' });
      const wrong = await basin(["template", "--model", cwd, "--messages", "tools.json"], { cwd });
      expect(wrong.code).toBe(1);
      expect(wrong.stderr).toContain("messages[0]");
    },
    TIMEOUT,
  );
});

it.skipIf(process.platform === "win32")(
  "Dawn's warnings about limits that nobody uses are left out, all else on standard error is not",
  () => {
    const bin = fileURLToPath(new URL("../../bin/basin.mjs", import.meta.url));
    const said = execFileSync("sh", ["-c", `"${process.execPath}" "${bin}" doctor 2>&1 | cat`], { encoding: "utf8" });
    expect(said).not.toContain("artificially reduced");
    expect(said).toMatch(/^(device|basin): /m);
    expect(said).toContain("node");
  },
  TIMEOUT,
);
