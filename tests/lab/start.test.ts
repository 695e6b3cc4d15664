/**
 * @file Start without React: the tour's states, opened links, how long a card says it takes, and that its specs are
 * specs.
 */
import { describe, expect, it } from "vitest";
import { resolveSpec } from "../../src/experiment/spec/spec.ts";
import { expandTable } from "../../src/experiment/table/expand.ts";
import { resolveTable } from "../../src/experiment/table/tableSpec.ts";
import { stepsSummary } from "../../src/lab/runs/runSummary.ts";
import { estimate, stepsOf, type RunTimes } from "../../src/lab/start/estimate.ts";
import { createOpenedLinks, MAX_LINKS } from "../../src/lab/start/openedLinks.ts";
import {
  SFT_EXAMPLE,
  SWEEP_RUNS,
  ASFT_EXAMPLE,
  ownPair,
  PAPER_EXAMPLE,
  LAMBDA_SWEEP,
} from "../../src/lab/start/presets.ts";
import { savedIn, type SavedSettings } from "../../src/lab/support/savedSettings.ts";
import { createTourStore } from "../../src/lab/shell/tour/tourStore.ts";
import { recordedEvents } from "./recorded.ts";

function memory(): SavedSettings {
  const map = new Map<string, string>();
  return savedIn(() => ({ getItem: (key) => map.get(key) ?? null, setItem: (key, value) => void map.set(key, value) }));
}

describe("what is kept in the browser", () => {
  it("lasts as long as the tab where storage is blocked", () => {
    const keep = savedIn(() => {
      throw new Error("denied");
    });
    expect(keep.get("basin.a")).toBeNull();
    keep.set("basin.a", "1");
    expect(keep.get("basin.a")).toBe("1");
  });
});

describe("the tour", () => {
  it("is offered once, goes on and back between its ends, and can be begun again", () => {
    const keep = memory();
    const tour = createTourStore(keep, 3);
    expect(tour.getState().stage).toEqual({ kind: "offered" });
    tour.getState().next();
    expect(tour.getState().stage).toEqual({ kind: "offered" });
    tour.getState().begin();
    tour.getState().back();
    expect(tour.getState().stage).toEqual({ kind: "at", stop: 0 });
    tour.getState().next();
    tour.getState().next();
    expect(tour.getState().stage).toEqual({ kind: "at", stop: 2 });
    tour.getState().next();
    expect(tour.getState().stage).toEqual({ kind: "idle" });
    tour.getState().begin();
    expect(tour.getState().stage).toEqual({ kind: "at", stop: 0 });
    expect(createTourStore(keep, 3).getState().stage).toEqual({ kind: "idle" });
  });

  it("is not offered again once it was refused", () => {
    const keep = memory();
    createTourStore(keep, 3).getState().end();
    expect(createTourStore(keep, 3).getState().stage).toEqual({ kind: "idle" });
  });
});

describe("opened links", () => {
  const link = (fragment: string, openedAt = 1) => ({ fragment, title: `title of ${fragment}`, openedAt });

  it("lists the newest first, each once, and outlives the page", () => {
    const keep = memory();
    const links = createOpenedLinks(keep);
    for (let i = 0; i < MAX_LINKS + 2; i += 1) links.getState().opened(link(`x=${i}`, i));
    links.getState().opened(link("x=4", 99));
    expect(links.getState().links).toHaveLength(MAX_LINKS);
    expect(links.getState().links[0]).toEqual(link("x=4", 99));
    expect(createOpenedLinks(keep).getState().links).toEqual(links.getState().links);
    links.getState().remove("x=4");
    expect(
      createOpenedLinks(keep)
        .getState()
        .links.map(({ fragment }) => fragment),
    ).not.toContain("x=4");
  });

  it("does not list what the lab itself put into the address", () => {
    const links = createOpenedLinks(memory());
    links.getState().wrote("x=own");
    links.getState().opened(link("x=own"));
    expect(links.getState().links).toEqual([]);
  });

  it("begins anew where what was kept is not readable", () => {
    for (const text of ["{", "{}", '[{"fragment": 1}]']) {
      const keep = memory();
      keep.set("basin.links", text);
      expect(createOpenedLinks(keep).getState().links).toEqual([]);
    }
  });
});

describe("the cards", () => {
  it("hold specs and a table that resolve, and the small runs differ in the method alone", async () => {
    const [broken, kept] = [resolveSpec(SFT_EXAMPLE), resolveSpec(ASFT_EXAMPLE)];
    expect({ ...kept, name: broken.name, method: broken.method }).toEqual(broken);
    expect(await expandTable(resolveTable(LAMBDA_SWEEP))).toHaveLength(SWEEP_RUNS);
    expect(resolveSpec(ownPair("owner/a", null)).method.name).toBe("sft");
    expect(resolveSpec(ownPair("owner/a", "owner/b")).model).toMatchObject({
      aligned: "owner/a",
      unaligned: "owner/b",
    });
  });

  it("the paper's setting is the spec's defaults: the published code's", () => {
    const { name: _, data, ...paper } = resolveSpec(PAPER_EXAMPLE);
    const {
      name: __,
      data: ___,
      ...defaults
    } = resolveSpec({ data: { train: { source: "apothecary", task: "topic" } } });
    expect(paper).toEqual(defaults);
    expect(data.train).toMatchObject({ n: 1000, harmful_ratio: 0.1 });
    expect(stepsOf(resolveSpec(PAPER_EXAMPLE))).toBe(1250);
  });
});

describe("how long it takes", () => {
  const opened = recordedEvents.find((event) => event.type === "device_ready");
  const ended = recordedEvents.find((event) => event.type === "finished");
  if (opened === undefined || ended === undefined) throw new Error("the recording lacks a device or an end");
  const { device } = opened;
  const run = (input: unknown, seconds: number, ms: number, report: Partial<typeof ended.report> = {}): RunTimes => {
    const spec = resolveSpec(input);
    const step = { step: 0, ce: 1, penalty: 0, loss: 1, learning_rate: 1, grad_norm: 1, tokens: 10, ms };
    return {
      spec,
      steps: stepsSummary(Array.from({ length: stepsOf(spec) ?? 0 }, (_, i) => ({ ...step, step: i + 1 }))),
      ending: {
        kind: "finished",
        report: {
          ...ended.report,
          outcome: "finished",
          device: `${device.name} (software)`,
          wall_time_s: seconds,
          ...report,
        },
      },
    };
  };
  const spec = resolveSpec(SFT_EXAMPLE);

  it("is what it took before on this device, whatever the seed and the name", () => {
    expect(
      estimate(
        spec,
        device,
        [run({ ...SFT_EXAMPLE, name: "other", train: { ...SFT_EXAMPLE.train, seed: 7 } }, 41, 500)],
        1,
      ),
    ).toEqual({ kind: "ran", ms: 41_000 });
  });

  it("else follows from steps that cost the same, with the time that is not training", () => {
    // 50 steps of 500 ms and 11 s of evaluation; another method, and 25 more steps.
    const longer = resolveSpec({ ...ASFT_EXAMPLE, train: { ...ASFT_EXAMPLE.train, num_train_epochs: 1.5 } });
    expect(estimate(longer, device, [run(SFT_EXAMPLE, 36, 500)], 1)).toEqual({ kind: "steps", ms: 75 * 500 + 11_000 });
  });

  it("else is the reference, and says on what it was measured", () => {
    const history = [
      run(SFT_EXAMPLE, 36, 500, { device: "another GPU" }),
      run(SFT_EXAMPLE, 12, 500, { outcome: "stopped" }),
      run({ ...SFT_EXAMPLE, data: { train: { source: "apothecary", task: "topic" } } }, 9, 5),
    ];
    expect(estimate(spec, device, history, 39_000)).toEqual({
      kind: "reference",
      ms: 39_000,
      software: device.software,
    });
    expect(estimate(spec, null, history, 39_000)).toEqual({ kind: "unknown" });
    expect(estimate(spec, device, [], null)).toEqual({ kind: "unknown" });
  });
});
