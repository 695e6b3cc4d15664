/** @file Addresses of Learn, random cosines, an erring judge, and the measured tables as Learn reads them. */
import { describe, expect, it } from "vitest";
import { apparentShare } from "../../../src/lab/learn/maths/judgeErrors.ts";
import { expectedCosine, randomCosines } from "../../../src/lab/learn/maths/randomCosines.ts";
import { SWEEP_ROWS, MEASURED_ROWS, readTable } from "../../../src/lab/learn/measured.ts";
import { joinFragment, LEARN_PAGES, splitFragment } from "../../../src/lab/learn/pages.ts";

describe("addresses", () => {
  it("go there and back, with and without an experiment", () => {
    for (const page of [...LEARN_PAGES, null])
      for (const experiment of ["", "x=1.abc_-"])
        expect(splitFragment(joinFragment(page, experiment))).toEqual({ page, experiment });
  });

  it("open the first page where the page is unknown, and leave links of experiments alone", () => {
    expect(splitFragment("learn/nothing").page).toBe("lora");
    expect(splitFragment("learn").page).toBe("lora");
    expect(splitFragment("x=1.learn/")).toEqual({ page: null, experiment: "x=1.learn/" });
  });
});

describe("random cosines", () => {
  it("have the expected mean", () => {
    expect(expectedCosine(1)).toBe(1);
    expect(expectedCosine(3)).toBeCloseTo(0.5, 12);
    expect(expectedCosine(32768) / expectedCosine(32769)).toBeCloseTo(1, 4);
    for (const dimension of [2, 16, 256]) {
      const cosines = randomCosines(dimension, 2000);
      const mean = cosines.reduce((sum, cosine) => sum + Math.abs(cosine), 0) / cosines.length;
      expect(mean / expectedCosine(dimension)).toBeGreaterThan(0.93);
      expect(mean / expectedCosine(dimension)).toBeLessThan(1.07);
    }
  });

  it("are the same at every call", () => {
    expect(randomCosines(8, 3)).toEqual(randomCosines(8, 3));
  });
});

it("an erring judge reports what it misses and its false alarms make of the truth", () => {
  expect(apparentShare(0.3, { missed: 0, falseAlarms: 0 })).toBe(0.3);
  expect(apparentShare(0, { missed: 0.5, falseAlarms: 0.05 })).toBe(0.05);
  expect(apparentShare(0.05, { missed: 0.1, falseAlarms: 0.05 })).toBeCloseTo(0.0925, 12);
});

describe("measured tables", () => {
  it("are read seed by seed", () => {
    const table =
      "# T\n\n| method | a |\n|---|---|\n| SFT | 0, 1 | 0.0 ± 0.0 | 95.0 ± 1.4 [90.0, 97.0] (96, 94) " +
      "| +95 | 0 | 99.0 ± 1.4 [95.0, 99.9] (98, 100) | +99 |\n\n| other | b |";
    expect(readTable(table)).toEqual([{ method: "SFT", harmful: [96, 94], accuracy: [98, 100] }]);
  });

  it("hold the rows that the pages show", () => {
    const methods = MEASURED_ROWS.map(({ method }) => method);
    for (const method of [
      "SFT",
      "AsFT, published projector",
      "Plain L2",
      "AsFT, flattened one-sided",
      "AsFT, exact rank 8",
    ])
      expect(methods).toContain(method);
    expect(SWEEP_ROWS.length).toBeGreaterThan(3);
    for (const { harmful, accuracy } of [...MEASURED_ROWS, ...SWEEP_ROWS])
      expect([harmful.length, accuracy.length]).toEqual([3, 3]);
  });
});
