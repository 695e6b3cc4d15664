/** @file Delivery of events: with a frame where there are frames, and in a tab that is hidden at any moment. */
import { describe, expect, it } from "vitest";
import { LabClient } from "../../src/lab/worker/client.ts";
import { frameOrTimer, type FramePage } from "../../src/lab/worker/schedule.ts";
import { ScriptedWorker } from "./openLab.ts";

/** A page whose frames come only while it is visible, as in a browser. */
class FakePage implements FramePage {
  hidden = false;
  #frames = new Set<() => void>();
  #timers = new Set<() => void>();
  #listeners = new Set<() => void>();

  requestFrame(work: () => void): () => void {
    return added(this.#frames, work);
  }

  setTimer(work: () => void): () => void {
    return added(this.#timers, work);
  }

  onVisibilityChange(work: () => void): () => void {
    return added(this.#listeners, work);
  }

  frame(): void {
    if (!this.hidden) run(this.#frames);
  }

  timers(): void {
    run(this.#timers);
  }

  hide(): void {
    this.hidden = true;
    run(this.#listeners);
  }

  get waiting(): number {
    return this.#frames.size + this.#timers.size + this.#listeners.size;
  }
}

function added(set: Set<() => void>, work: () => void): () => void {
  set.add(work);
  return () => set.delete(work);
}

function run(set: Set<() => void>): void {
  for (const work of [...set]) {
    set.delete(work);
    work();
  }
}

function setUp() {
  const page = new FakePage();
  const worker = new ScriptedWorker();
  const client = new LabClient(worker, frameOrTimer(page));
  const batches: number[] = [];
  client.listen((events) => batches.push(events.length));
  const say = (): void => worker.say({ type: "merge_progress", mergeId: "m", done: 1, total: 2 });
  return { page, say, batches };
}

describe("events", () => {
  it("come once a frame, and leave nothing pending", () => {
    const { page, say, batches } = setUp();
    for (let i = 0; i < 3; i++) say();
    expect(batches).toEqual([]);
    page.frame();
    expect(batches).toEqual([3]);
    expect(page.waiting).toBe(0);
    page.timers();
    expect(batches).toEqual([3]);
  });

  it("come when the tab is hidden while a frame is pending, and keep coming", () => {
    const { page, say, batches } = setUp();
    say();
    page.hide();
    expect(batches).toEqual([1]);
    say();
    say();
    page.frame();
    expect(batches).toEqual([1]);
    page.timers();
    expect(batches).toEqual([1, 2]);
  });
});
