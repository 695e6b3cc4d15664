/** @file Which earlier run's kernels a run takes. */
import { describe, expect, it } from "vitest";
import type { RunReport } from "../../src/experiment/run/events.ts";
import { resolveSpec, type SpecInput } from "../../src/experiment/spec/spec.ts";
import { earlierRun } from "../../src/lab/runs/earlierRun.ts";
import { kernelsToRepeat } from "../../src/lab/worker/repeatKernels.ts";
import type { StoredRun } from "../../src/lab/runs/storedRun.ts";
import { finishedRun } from "../experiment/share/runs.ts";

const problem = { form: "nt", dtype: "f32", m: 8, n: 8, k: 8 } as const;

function ran(input: SpecInput, changes: Partial<RunReport> = {}): Pick<StoredRun, "spec" | "ending"> {
  return { spec: resolveSpec(input), ending: { kind: "finished", report: { ...finishedRun().report, ...changes } } };
}

const kernels = (kernel: "register" | "shared"): NonNullable<RunReport["kernels"]> => ({
  digest: "01234567",
  measured: { a: { problem, kernel, ms: { [kernel]: 1 } } },
});

describe("an earlier run of the same settings", () => {
  it("is the last one, whatever it was called", () => {
    const history = [
      ran({ name: "b", train: { seed: 2 } }),
      ran({ name: "b" }, { kernels: kernels("register") }),
      ran({}, { kernels: kernels("shared") }),
    ];
    expect(earlierRun(history, resolveSpec({ name: "c" }))?.kernels).toEqual(kernels("register").measured);
    expect(earlierRun(history, resolveSpec({ train: { seed: 3 } }))).toBeNull();
  });

  it("is none that failed, or was stored before its kernels were kept", () => {
    const { kernels: _, ...old } = finishedRun().report;
    const history: Pick<StoredRun, "spec" | "ending">[] = [
      { spec: resolveSpec({}), ending: { kind: "failed", failure: { what: "", where: "", fix: "" }, lastStep: 3 } },
      { spec: resolveSpec({}), ending: { kind: "finished", report: old } },
    ];
    expect(earlierRun(history, resolveSpec({}))).toBeNull();
  });

  it("lends its kernels on the same device only, with the same Basin and browser", () => {
    const earlier = earlierRun([ran({}, { kernels: kernels("shared") })], resolveSpec({}));
    if (earlier === null) throw new Error("not found");
    const { device, versions } = earlier;
    expect(kernelsToRepeat(earlier, { device, versions: { browser: "a browser", basin: "0.1.0" } })).toEqual(
      kernels("shared").measured,
    );
    expect(kernelsToRepeat(earlier, { device: "another", versions })).toBeNull();
    expect(kernelsToRepeat(earlier, { device, versions: { ...versions, browser: "the next one" } })).toBeNull();
    expect(kernelsToRepeat(null, { device, versions })).toBeNull();
  });
});
