/** @file The documents behind the pictures of the area Basin: whose models, whose evaluation, how fine. */
import { expect, it } from "vitest";
import { resolveLandscape } from "../../src/experiment/landscape/landscapeSpec.ts";
import { resolveSpec } from "../../src/experiment/spec/spec.ts";
import { basinInput, FIRST_CHOICE } from "../../src/lab/basin/choices.ts";

const OWN = resolveSpec({
  model: { aligned: "mine/aligned", unaligned: "mine/base" },
  data: { train: { source: "file", path: "rows.jsonl" } },
  eval: { harmful: { source: "file", path: "requests.txt", n: 700 }, max_new_tokens: 33 },
});

it("takes models and evaluation from the settings, or from the run whose update it shows", () => {
  const [line, none] = basinInput({ ...FIRST_CHOICE, kind: "line" }, null, OWN);
  const { experiment, landscape } = resolveLandscape(line);
  expect(none).toBeNull();
  expect(experiment.model).toEqual(OWN.model);
  expect(experiment.eval).toMatchObject({ harmful: { path: "requests.txt", n: 20 }, task: null, max_new_tokens: 33 });
  expect(landscape).toMatchObject({ kind: "between", dimensions: 1, toward: "unaligned", points: 21 });

  const run = { runId: "r", title: "r", spec: OWN };
  const [plane, runId] = basinInput({ ...FIRST_CHOICE, kind: "plane", prompts: 5 }, run, resolveSpec({}));
  const document = resolveLandscape(plane);
  expect(runId).toBe("r");
  expect(document.experiment.model).toEqual(OWN.model);
  expect(document.experiment.eval.harmful).toMatchObject({ n: 5 });
  expect(document.landscape).toMatchObject({ kind: "between", dimensions: 2, points: 9 });
  expect(document.landscape.tuned).toContain("r");
});

it("takes the bundled pair without settings, and asks for harmful requests also where they are off", () => {
  const [random] = basinInput({ ...FIRST_CHOICE, kind: "random", points: 4 }, null, null);
  expect(resolveLandscape(random)).toMatchObject({
    experiment: { eval: { harmful: { n: 20 }, benign: { n: 10 } } },
    landscape: { kind: "random", points: 4 },
  });
  const without = resolveSpec({ eval: { harmful: null, benign: null } });
  const [line] = basinInput({ ...FIRST_CHOICE, kind: "line" }, null, without);
  expect(resolveLandscape(line).experiment.eval).toMatchObject({ harmful: { n: 20 }, benign: null });
});
