/** @file A card that would replace edited settings: neither they nor the run change before the user has answered. */
import { describe, expect, it } from "vitest";
import { acceptSettings } from "../../src/lab/setup/acceptSettings.ts";
import { openLab, type OpenedLab } from "./openLab.ts";
import { recordedEvents } from "./recorded.ts";

const CARD = { train: { seed: 8 } };

function asked(starts: boolean): OpenedLab & { readonly started: () => readonly unknown[] } {
  const opened = openLab();
  const ready = recordedEvents.find((event) => event.type === "device_ready");
  if (ready !== undefined) opened.worker.say(ready);
  const { set, replace } = opened.lab.spec.getState();
  set("train.seed", 7);
  expect(replace(CARD, { kind: "start" }, starts)).toBe("waiting");
  const started = (): readonly unknown[] =>
    opened.worker.messages.flatMap((message) => (message.type === "start" ? [message.spec.train.seed] : []));
  expect(started()).toEqual([]);
  return { ...opened, started };
}

describe("settings that wait for an answer", () => {
  it("start the run that was asked for with them", () => {
    const { lab, started } = asked(true);
    expect(acceptSettings(lab)).toBe(true);
    expect(started()).toEqual([8]);
    // There is nothing left to agree to.
    expect(acceptSettings(lab)).toBe(false);
    expect(started()).toEqual([8]);
  });

  it("start nothing where no run was asked for, or the answer is no", () => {
    const opened = asked(false);
    expect(acceptSettings(opened.lab)).toBe(false);
    const other = asked(true);
    other.lab.spec.getState().dismissWaiting();
    expect(acceptSettings(other.lab)).toBe(false);
    expect([opened.started(), other.started()]).toEqual([[], []]);
  });

  it("do not take the place of a run that was started meanwhile", () => {
    const { lab, started } = asked(true);
    const { check } = lab.spec.getState();
    if (check.kind === "valid") lab.run.start(check.spec);
    expect(acceptSettings(lab)).toBe(false);
    expect(started()).toEqual([7]);
  });
});
