/** @file What the command line says while a model comes in. */
import { PassThrough } from "node:stream";
import { describe, expect, it, vi } from "vitest";
import { bytesOf, transferView } from "../../src/cli/transfers.ts";
import type { Transfer } from "../../src/weights/transfer.ts";

const transfer = (changes: Partial<Transfer>): Transfer => ({
  checkpoint: "m",
  file: "1.safetensors",
  done: 0,
  total: 270e6,
  bytesPerSecond: 5.1e6,
  etaSeconds: 42,
  origin: "network",
  ...changes,
});

function view(isTTY: boolean): { readonly show: (changes: Partial<Transfer>) => void; readonly text: () => string } {
  const stream = Object.assign(new PassThrough(), {
    isTTY,
    columns: 120,
    cursorTo: () => true,
    clearLine: () => true,
    moveCursor: () => true,
  }) as unknown as NodeJS.WriteStream;
  let text = "";
  stream.on("data", (data: Buffer) => (text += data.toString()));
  const { show, stop } = transferView(stream);
  return { show: (changes) => show(transfer(changes)), text: () => (stop(), text) };
}

describe("transfers", () => {
  it("are shown as occasional lines without a terminal", () => {
    vi.useFakeTimers();
    try {
      const { show, text } = view(false);
      show({ done: 1e6 });
      show({ done: 2e6 });
      vi.advanceTimersByTime(6000);
      show({ done: 12.3e6 });
      show({ done: 13e6 });
      show({ file: "2.safetensors", origin: "disk", done: 270e6 });
      vi.advanceTimersByTime(60_000);
      show({ done: 270e6, etaSeconds: 0 });
      expect(text()).toBe(
        "1.safetensors 12.3 MB of 270.0 MB, 5.1 MB/s, 42 s left\n1.safetensors 270.0 MB of 270.0 MB, 5.1 MB/s\n",
      );
    } finally {
      vi.useRealTimers();
    }
  });

  it("are shown as a bar for each shard on a terminal", () => {
    const { show, text } = view(true);
    show({ done: 135e6 });
    show({ file: "2.safetensors", done: 27e6 });
    show({ file: "3.safetensors", origin: "disk" });
    const shown = text();
    expect(shown).toMatch(/1\.safetensors .* 50% \| 135\.0 MB of 270\.0 MB, 5\.1 MB\/s, 42 s left/);
    expect(shown).toMatch(/2\.safetensors .* 10%/);
    expect(shown).not.toContain("3.safetensors");
  });

  it("are counted in powers of ten", () => {
    expect([bytesOf(270_000_000), bytesOf(1_240_000_000)]).toEqual(["270.0 MB", "1.24 GB"]);
  });
});
