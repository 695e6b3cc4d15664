/** @file The page's environment: everybody closes what they have opened, and adapters are not held for ever. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { PageEnvironment } from "../../src/lab/worker/environment.ts";
import type { SourceDescriptor } from "../../src/weights/descriptor.browser.ts";
import type { WeightsCommand, WeightsEvent } from "../../src/weights/weightsProtocol.ts";
import { WeightsClient } from "../../src/weights/workerReader.ts";

/** A weights worker whose models are empty; `closed` are the checkpoints that it was told to forget. */
function setUp() {
  const listeners: ((event: MessageEvent) => void)[] = [];
  const closed: number[] = [];
  let opened = 0;
  const answer = (event: WeightsEvent): void => {
    queueMicrotask(() => {
      for (const listener of listeners) listener({ data: event } as MessageEvent);
    });
  };
  const client = new WeightsClient<SourceDescriptor>({
    addEventListener: (_: string, listener: (event: MessageEvent) => void) => void listeners.push(listener),
    postMessage: (message: unknown) => {
      const command = message as WeightsCommand<SourceDescriptor>;
      if (command.kind === "close") closed.push(command.checkpoint);
      if (command.kind === "text") answer({ kind: "text", request: command.request, text: "{}" });
      if (command.kind !== "open") return;
      opened += 1;
      const { request } = command;
      answer({ kind: "opened", request, checkpoint: opened, name: "m", config: {}, tensors: [], unreadable: [] });
    },
  } as ConstructorParameters<typeof WeightsClient<SourceDescriptor>>[0]);
  return { environment: new PageEnvironment(client, "https://basin.example/", {}), closed };
}

describe("the page's environment", () => {
  beforeEach(() => {
    vi.stubGlobal("navigator", {});
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("closes with a run what the run has opened, and nothing of previews, the chat or an export", async () => {
    const { environment, closed } = setUp();
    const [run, chat] = [environment.scope(), environment.scope()];
    await run.openModel("own");
    const inChat = await chat.openModel("chat");
    let isExported = false;
    const exporting = environment.within(async (scope) => {
      const model = await scope.openModel("export");
      run.release();
      expect(closed).toEqual([1]);
      // Still open: it is read to its end.
      expect(await model.text("tokenizer.json")).toBe("{}");
      isExported = true;
    });
    await exporting;
    expect([isExported, closed]).toEqual([true, [1, 3]]);
    expect(await inChat.text("config.json")).toBe("{}");
    run.release();
    expect(closed).toEqual([1, 3]);
    chat.release();
    expect(closed).toEqual([1, 3, 2]);
  });

  it("closes what failing work has opened", async () => {
    const { environment, closed } = setUp();
    const failing = environment.within(async (scope) => {
      await scope.openModel("m");
      throw new Error("no rows");
    });
    await expect(failing).rejects.toThrow("no rows");
    expect(closed).toEqual([1]);
  });

  it("holds the adapters that were attached last, not those of every run", async () => {
    const { environment } = setUp();
    const files = { "adapter_config.json": new Uint8Array(), "adapter_model.safetensors": new Uint8Array() };
    for (let i = 0; i < 20; i += 1) environment.attachAdapter(`run:${i}`, { ...files });
    environment.attachAdapter("run:12", files);
    environment.attachAdapter("run:20", files);
    for (const held of [12, 14, 19, 20]) await environment.readAdapter(`run:${held}`);
    await expect(environment.readAdapter("run:13")).rejects.toThrow("There is no run 13");
  });
});
