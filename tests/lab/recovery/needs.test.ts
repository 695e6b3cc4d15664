/** @file What a run needs again after its page is gone; and the screen, which stays on while it computes. */
import { describe, expect, it } from "vitest";
import { resolveSpec } from "../../../src/experiment/spec/spec.ts";
import { isRequired, isAvailable, runInputs } from "../../../src/lab/recovery/runInputs.ts";
import { ScreenLock } from "../../../src/lab/recovery/wakeLock.ts";
import { settled } from "./support.ts";

describe("needs", () => {
  it("are the files, folders, adapters and the token that a page forgets", () => {
    expect(runInputs(resolveSpec({}), false, null)).toEqual([]);
    const spec = resolveSpec({
      model: { aligned: "folder:chat", unaligned: "folder:base" },
      data: { train: { source: "file", path: "rows.jsonl" } },
      method: { name: "safe_instr", safety_rows: "safe.jsonl" },
      lora: { init_adapter: "added:mine/1" },
      eval: {
        task: { source: "file", path: "https://host/test.jsonl" },
        harmful: { source: "file", path: "rows.jsonl", judge: { kind: "classifier", model: "folder:judge" } },
      },
    });
    const before = runInputs(spec, true, null);
    expect(before.map(({ kind, name }) => `${kind} ${name}`.trim())).toEqual([
      "file rows.jsonl",
      "file safe.jsonl",
      "folder chat",
      "folder base",
      "folder judge",
      "adapter added:mine/1",
      "token",
    ]);
    expect(before.filter((need) => !isRequired(need)).map(({ kind }) => kind)).toEqual(["token"]);
    // Once training has begun, the checkpoint holds the adapter.
    expect(runInputs(spec, false, { stage: "training" }).map(({ kind }) => kind)).not.toContain("adapter");
    const present = { files: new Set(["rows.jsonl"]), folders: ["chat"], adapters: new Set<string>(), token: true };
    expect(before.filter((need) => !isAvailable(need, present)).map(({ name }) => name)).toEqual([
      "safe.jsonl",
      "base",
      "judge",
      "added:mine/1",
    ]);
  });
});

describe("the screen", () => {
  function setUp(): {
    lock: ScreenLock;
    state: { visible: boolean; held: number; asked: number; refuse: boolean };
    told: (string | null)[];
  } {
    const state = { visible: true, held: 0, asked: 0, refuse: false };
    const told: (string | null)[] = [];
    const lock = new ScreenLock(
      {
        visible: () => state.visible,
        request: async () => {
          state.asked += 1;
          if (state.refuse) throw new Error("battery saver");
          state.held += 1;
          return { release: async () => void (state.held -= 1) };
        },
      },
      (why) => told.push(why),
    );
    return { lock, state, told };
  }

  it("is held while wanted, asked for again when the page is seen again, and let go at the end", async () => {
    const { lock, state } = setUp();
    lock.want(true);
    lock.want(true);
    await settled();
    expect(state).toMatchObject({ held: 1, asked: 1 });
    state.visible = false;
    lock.seen();
    await settled();
    expect(state.held).toBe(0);
    state.visible = true;
    lock.seen();
    await settled();
    expect(state).toMatchObject({ held: 1, asked: 2 });
    lock.want(false);
    lock.seen();
    await settled();
    expect(state).toMatchObject({ held: 0, asked: 2 });
  });

  it("that is refused is told until the run is over; a wish that is taken back at once holds nothing", async () => {
    const { lock, state, told } = setUp();
    state.refuse = true;
    lock.want(true);
    await settled();
    expect(told.at(-1)).toBe("battery saver");
    lock.want(false);
    expect(told.at(-1)).toBeNull();
    state.refuse = false;
    lock.want(true);
    lock.want(false);
    await settled();
    expect(state.held).toBe(0);
  });
});
