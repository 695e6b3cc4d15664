/** @file Results in a link: they come back; damaged, foreign and tampered ones never keep the spec from opening. */
import { describe, expect, it } from "vitest";
import { decodeLink, encodeLink } from "../../../src/experiment/share/link.ts";
import { packJson } from "../../../src/experiment/share/packedJson.ts";
import { isOwnRun, linkWithResults, readResults, resultsOf } from "../../../src/experiment/share/results.ts";
import { resolveSpec } from "../../../src/experiment/spec/spec.ts";
import { Rng } from "../../../src/text/apothecary/index.ts";
import { finishedRun, reportWith, scoresWith } from "./runs.ts";

const spec = resolveSpec({ method: { name: "sft" }, train: { seed: 3 } });
const link = encodeLink(spec);

describe("results in a link", () => {
  it("come back as they were sent, and the spec with them", () => {
    const results = resultsOf(finishedRun());
    const fragment = linkWithResults(link, results);
    expect(readResults(`#${fragment}`)).toEqual({ kind: "read", results });
    expect(decodeLink(`#${fragment}`)).toEqual(spec);
    expect(results.after.harmful_score).toEqual({ hits: 37, count: 100 });
    // Short enough for a QR code on a wall.
    expect(fragment.length).toBeLessThan(700);
  });

  it("carry a perplexity with its interval", () => {
    const after = {
      ...scoresWith([1, 10]),
      task_accuracy: null,
      perplexity: { perplexity: 12.345678, nll: 2.5133, tokens: 1234, rows: 50, ci95: { low: 11.5, high: 13.25 } },
    };
    const results = resultsOf(finishedRun({ report: reportWith(after, after) }));
    const read = readResults(linkWithResults(link, results));
    expect(read.kind === "read" && read.results.after.perplexity).toEqual({
      perplexity: 12.34568,
      nll: 2.5133,
      tokens: 1234,
      rows: 50,
      ci95: { low: 11.5, high: 13.25 },
    });
    expect(read.kind === "read" && read.results.after.task_accuracy).toBeUndefined();
  });

  it("of a run whose kernels are not known say nothing of them", () => {
    const { kernels: _, ...report } = finishedRun().report;
    const results = resultsOf(finishedRun({ report }));
    expect(results.kernels).toBeNull();
    expect(readResults(linkWithResults(link, results))).toEqual({ kind: "read", results });
  });

  it("of a run that says nothing of its rows are read without", () => {
    const { data: _, ...report } = finishedRun().report;
    const results = resultsOf(finishedRun({ report }));
    expect(results.data).toBeNull();
    expect(readResults(linkWithResults(link, results))).toEqual({ kind: "read", results });
  });

  it("are none in an old link", () => {
    expect(readResults(link)).toEqual({ kind: "none" });
    expect(readResults("")).toEqual({ kind: "none" });
    expect(readResults("learn/lora")).toEqual({ kind: "none" });
  });

  it("stay readable behind a page of Learn", () => {
    const results = resultsOf(finishedRun());
    expect(readResults(`learn/penalty&${linkWithResults(link, results)}`)).toEqual({ kind: "read", results });
  });

  it("are refused beside another spec", () => {
    const other = encodeLink(resolveSpec({ method: { name: "sft" }, train: { seed: 4 } }));
    const results = linkWithResults(link, resultsOf(finishedRun())).slice(link.length);
    expect(readResults(other + results)).toEqual({
      kind: "unreadable",
      why: expect.stringContaining("other settings"),
    });
  });

  it("that are cut, mistyped or made up leave the spec as it is", () => {
    const whole = linkWithResults(link, resultsOf(finishedRun()));
    const rng = new Rng("tamper");
    for (let i = 0; i < 200; i += 1) {
      const at = link.length + 3 + rng.below(whole.length - link.length - 3);
      const changed =
        i % 2 === 0
          ? whole.slice(0, at)
          : `${whole.slice(0, at)}${"Aa0_%#.é"[rng.below(8)] ?? ""}${whole.slice(at + 1)}`;
      if (changed === whole) continue;
      expect(["unreadable", "none"]).toContain(readResults(changed).kind);
      expect(decodeLink(changed)).toEqual(spec);
    }
    for (const forged of [
      "r=",
      "r=1.",
      "r=2.abc",
      "r=1.AAAA",
      `r=1.${packJson({ r: "x" })}`,
      `r=1.${packJson(null)}`,
      `r=1.${"A".repeat(100_000)}`,
    ]) {
      expect(readResults(`${link}&${forged}`)).toMatchObject({ kind: "unreadable" });
      expect(decodeLink(`${link}&${forged}`)).toEqual(spec);
    }
  });

  it("refuse more hits than prompts", () => {
    const results = resultsOf(finishedRun());
    expect(
      readResults(linkWithResults(link, { ...results, after: { harmful_score: { hits: 11, count: 10 } } })),
    ).toMatchObject({ kind: "unreadable" });
    expect(readResults(linkWithResults(link, { ...results, device: "d".repeat(121) }))).toMatchObject({
      kind: "unreadable",
    });
  });

  it("know the run they were taken from", () => {
    const run = finishedRun();
    expect(isOwnRun(resultsOf(run), run.runId)).toBe(true);
    expect(isOwnRun(resultsOf(run), "ffffffff-0000")).toBe(false);
  });
});
