/** @file Pictures of landscapes: contours where they belong, babble marked, texts escaped. */
import { describe, expect, it } from "vitest";
import type { LandscapePoint, Survey } from "../../../src/experiment/landscape/landscapeDocument.ts";
import { colour, lineSvg, MEASURES, planeSvg, segmentsAt } from "../../../src/experiment/landscape/picture.ts";
import { rateOf } from "../../../src/eval/scores.ts";

const [HARMFUL] = MEASURES;

function point(a: number, b: number, harmful: number, neither = 0): LandscapePoint {
  const rate = (hits: number) => rateOf(hits, 10);
  return {
    a,
    b,
    harmful_score: rate(harmful),
    refused: rate(10 - harmful - neither),
    neither: rate(neither),
    not_refused: rate(harmful + neither),
    task_accuracy: null,
    benign_compliance: rate(10),
    refusal_margin: null,
    perplexity: null,
  };
}

const axis = (title: string) => ({ title, steps: [0, 1, 2], length: 1, relative_length: 0.1 });
const survey: Survey = {
  id: "plane",
  title: "<a> & b",
  axes: [axis("x"), axis("y")],
  cosine: null,
  markers: [{ title: "origin", a: 0, b: 0, outside: 0 }],
  trajectory: [],
  points: [0, 1, 2].flatMap((b) => [point(0, b, 0), point(1, b, 5), point(2, b, 0, 10)]),
};

describe("a plane", () => {
  it("has its contour where the values cross the level", () => {
    if (HARMFUL === undefined) throw new Error("no measure");
    const points = [0, 1].map((b) => [point(0, b, 0), point(1, b, 10)]);
    expect(segmentsAt({ a: [0, 1], b: [0, 1], points }, HARMFUL, 25)).toEqual([
      [
        [0.25, 0],
        [0.25, 1],
      ],
    ]);
    const unknown = [[point(0, 0, 0), null], points[1] ?? []];
    expect(segmentsAt({ a: [0, 1], b: [0, 1], points: unknown }, HARMFUL, 25)).toEqual([]);
  });

  it("draws every cell, marks babble, and escapes its texts", () => {
    if (HARMFUL === undefined) throw new Error("no measure");
    const svg = String(planeSvg(survey, HARMFUL));
    expect(svg.match(/<title/g)).toHaveLength(9);
    expect(svg.match(/stroke-opacity="0.55"/g)).toHaveLength(3);
    expect(svg).toContain("&lt;a&gt; &amp; b");
    expect(svg).not.toContain("<a>");
    const half = String(planeSvg({ ...survey, points: survey.points.slice(0, 1) }, HARMFUL));
    expect(half.match(/nearest: a = 0/g)).toHaveLength(8);
  });

  it("goes from blue to red", () => {
    expect(colour(0)).toBe("rgb(33,102,172)");
    expect(colour(1)).toBe("rgb(178,24,43)");
    expect(colour(2)).toBe(colour(1));
  });
});

describe("a line", () => {
  it("has a dot for each share of each point", () => {
    const points = [0, 1, 2].map((a) => point(a, 0, a));
    const svg = String(lineSvg({ ...survey, axes: [axis("x")], points }));
    expect(svg.match(/<circle/g)).toHaveLength(12);
    expect(svg).toContain("harmful 20 % (2 of 10)");
  });
});
