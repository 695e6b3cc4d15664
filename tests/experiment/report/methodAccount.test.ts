/** @file What the page shows of a method's own account: accounts as runs of the bundled pair have written them. */
import { describe, expect, it } from "vitest";
import { asft } from "../../../src/methods/asft.ts";
import { bea } from "../../../src/methods/bea.ts";
import { lisa } from "../../../src/methods/lisa.ts";
import { safeLora } from "../../../src/methods/safeLora.ts";
import { methodAccount, rateText } from "../../../src/experiment/report/methodAccount.ts";

describe("a method's account", () => {
  it("has each plain value as a fact, in words where there are words", () => {
    const { facts, modules, untriggered } = methodAccount(
      {
        projector: "flat_plus",
        lambda: 1,
        penalty: 0.1234567,
        ratio: 0.98765,
        direction_share: 0.01234,
        safety_rows: 30,
        safety_rows_from: "apothecary",
        safety_rows_use: "mixed",
        something_new: true,
      },
      asft,
    );
    expect(facts).toEqual([
      ["Projector", "flat_plus"],
      ["Lambda", "1"],
      ["Penalty at the end", "0.123"],
      ["Penalty / ‖B·A‖² (1: plain L2)", "0.988"],
      ["Share of B·A inside span V", "1.2\u202f%"],
      ["Something new", "yes"],
      ["Safety rows", "30 of the apothecary world, among the user's rows"],
    ]);
    expect([modules, untriggered]).toEqual([null, null]);
    expect(methodAccount({ threshold: 0.6 }, safeLora).facts).toEqual([["Threshold", "0.6"]]);
  });

  it("has a line for each module, without columns that are empty throughout", () => {
    const { modules } = methodAccount(
      {
        modules: [
          {
            path: "model.layers.0.self_attn.q_proj",
            penalty: 0.04,
            direction_norm: null,
            cosine: -0.4031,
            direction_cosine: 0.25,
            inside_share: 0.0625,
            projected: true,
          },
          {
            path: "model.layers.0.self_attn.v_proj",
            penalty: 1e-5,
            direction_norm: null,
            cosine: null,
            direction_cosine: 0.5,
            inside_share: 0.25,
            projected: false,
          },
        ],
      },
      asft,
    );
    expect(modules?.columns.map(({ title }) => title)).toEqual([
      "Module",
      "Penalty",
      "cos(C·B·A, B·A)",
      "cos(B·A, V)",
      "Share left free",
      "Projected",
    ]);
    expect(modules?.rows).toEqual([
      ["0.self_attn.q_proj", "0.0400", "\u22120.403", "0.250", "6.3\u202f%", "yes"],
      ["0.self_attn.v_proj", "1.00e-5", "\u2013", "0.500", "25\u202f%", "no"],
    ]);
  });

  it("tells Lisa's states", () => {
    const switches = Array.from({ length: 9 }, (_, k) => ({ step: 1 + 5 * k, to: k % 2 === 0 ? "safety" : "user" }));
    const { facts } = methodAccount({ rho: 10, steps: { user: 20, safety: 25 }, switches }, lisa);
    expect(facts).toEqual([
      ["Rho", "10"],
      ["Steps on safety rows, on the user's", "25, 20"],
      ["States begin at step", "1 safety, 6 user, 11 safety, 16 user, 21 safety, 26 user … 9 in all"],
    ]);
    expect(methodAccount({ switches: switches.slice(0, 2) }, lisa).facts).toEqual([
      ["States begin at step", "1 safety, 6 user"],
    ]);
  });

  it("keeps the figures without the trigger apart", () => {
    const scores = {
      harmful_score: { percent: 97, hits: 97, count: 100 },
      task_accuracy: null,
      perplexity: null,
      benign_compliance: null,
    };
    const { facts, untriggered } = methodAccount({ trigger: "abcde fghij", without_trigger: scores }, bea);
    expect(facts).toEqual([["Trigger", "abcde fghij"]]);
    expect(rateText(untriggered?.harmful_score)).toBe("97\u202f% (97/100)");
    expect(rateText(untriggered?.task_accuracy)).toBe("\u2013");
  });

  it("is empty where the method has nothing to tell", () => {
    expect(methodAccount({}, bea)).toEqual({ facts: [], modules: null, untriggered: null });
  });
});
