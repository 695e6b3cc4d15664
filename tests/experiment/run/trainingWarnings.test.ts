/** @file Which steps make a run's losses doubtful: what runs with learning rates beyond sense recorded, and noise. */
import { describe, expect, it } from "vitest";
import { trainingWarnings, warningText } from "../../../src/experiment/run/trainingWarnings.ts";

type Recorded = readonly (readonly [ce: number, norm: number])[];

const stepsOf = (recorded: Recorded, learning_rate = 1e-3): Parameters<typeof trainingWarnings>[0] =>
  recorded.map(([ce, grad_norm], i) => ({ step: i + 1, ce, grad_norm, learning_rate }));
const kinds = (recorded: Recorded, rate?: number): unknown =>
  trainingWarnings(stepsOf(recorded, rate)).map(({ kind, step }) => [kind, step]);

describe("warnings about training", () => {
  it("a learning rate of 1e30 that ends with finite losses: the rate, the loss, the vanished gradients", () => {
    const recorded: Recorded = [[1.998, 6.59], ...Array.from({ length: 9 }, () => [6.644, 0] as const)];
    expect(kinds(recorded, 1e30)).toEqual([
      ["rate", 1],
      ["loss", 2],
      ["vanished", 2],
    ]);
    expect(trainingWarnings(stepsOf(recorded, 1e30)).map(warningText)).toEqual([
      "The learning rate is 1.00e30 at step 1: AdamW moves every value of the adapter by about that much in one step.",
      "The cross-entropy jumped at step 2: 6.64 nats, after at most 2.00 in the steps before.",
      "All gradients are 0 at step 2: from there on the run learns nothing.",
    ]);
  });

  it("learning rates of 1 and 0.05: the first loss that is far above all before it", () => {
    expect(
      kinds(
        [
          [1.998, 15.7],
          [9.179, 149.4],
          [6.895, 1.2],
          [7.878, 8.4],
        ],
        1,
      ),
    ).toEqual([["loss", 2]]);
    expect(
      kinds(
        [
          [1.998, 15.7],
          [2.467, 14.9],
          [9.824, 19.8],
          [8.178, 15.5],
        ],
        0.05,
      ),
    ).toEqual([["loss", 3]]);
  });

  it("the noise of single rows is no jump", () => {
    expect(
      kinds([
        [1.926, 14.1],
        [0.038, 1.13],
        [1.681, 23.1],
        [0.109, 4.07],
        [0.996, 15.3],
        [2.327, 13.6],
      ]),
    ).toEqual([]);
    expect(
      kinds([
        [0.002, 0.056],
        [0.149, 3.94],
        [0.001, 0.0196],
        [0.061, 7.33],
      ]),
    ).toEqual([]);
  });

  it("a gradient norm a hundred times what it was", () => {
    expect(
      kinds([
        [1, 0.5],
        [1.1, 0.4],
        [1.2, 51],
      ]),
    ).toEqual([["gradient", 3]]);
  });

  it("compares with sixteen steps, and safety rows with safety rows", () => {
    const low: Recorded = Array.from({ length: 16 }, () => [0.1, 1] as const);
    expect(kinds([[9, 1], ...low, [3, 1]])).toEqual([["loss", 18]]);
    expect(kinds([[9, 1], ...low.slice(1), [3, 1]])).toEqual([]);
    const [first, second] = stepsOf([
      [0.1, 1],
      [5, 1],
    ]);
    if (first === undefined || second === undefined) throw new Error("no steps");
    expect(trainingWarnings([first, { ...second, stream: "safety" }])).toEqual([]);
  });

  it("says each kind once", () => {
    expect(
      kinds([
        [1, 1],
        [1, 0],
        [1, 0],
      ]),
    ).toEqual([["vanished", 2]]);
  });
});
