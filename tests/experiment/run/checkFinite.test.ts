/** @file The check around a method's edit of the trained adapter. */

import { expect, it } from "vitest";
import { checkFinite } from "../../../src/experiment/run/checkFinite.ts";

const module = {
  path: "l0.q",
  r: 1,
  inFeatures: 3,
  outFeatures: 2,
  A: Float32Array.of(1, -2, 3e38),
  B: new Float32Array(2),
};

it("lets finite adapters pass, and names module, matrix and element of what is not", () => {
  expect(() => checkFinite([module], "the adapter", "Mend it.")).not.toThrow();
  for (const broken of [NaN, Infinity, -Infinity]) {
    const other = { ...module, path: "l1.q", B: Float32Array.of(0, broken) };
    expect(() => checkFinite([module, other], "the adapter", "Mend it.")).toThrow(
      expect.objectContaining({
        what: `Element 1 of lora_B is ${broken}`,
        where: "the adapter, l1.q",
        fix: "Mend it.",
      }),
    );
  }
});
