/**
 * @file Progress of a download on stderr: on a terminal a bar for each shard with its rate and the
 * time left, otherwise a line every few seconds. Files read from the disk show nothing.
 */

import { MultiBar, type SingleBar } from "cli-progress";
import type { Transfer } from "../weights/transfer.ts";
import { duration } from "./report.ts";

/** Without a terminal: a line about one file at most this often. */
const PLAIN_INTERVAL_MS = 5000;

export interface TransferView {
  readonly show: (transfer: Transfer) => void;
  /** Leaves the bars as they are and makes room for other lines. */
  stop(): void;
}

export function transferView(stream: NodeJS.WriteStream = process.stderr): TransferView {
  return stream.isTTY ? barView(stream) : plainView(stream);
}

/** "12.3 MB", "1.24 GB": powers of ten, as downloads are counted. */
export function bytesOf(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function rate({ bytesPerSecond, etaSeconds, done, total }: Transfer): string {
  const speed = bytesPerSecond > 0 ? `, ${bytesOf(bytesPerSecond)}/s` : "";
  return `${speed}${etaSeconds === null || done === total ? "" : `, ${duration(etaSeconds)} left`}`;
}

function barView(stream: NodeJS.WriteStream): TransferView {
  let bars: MultiBar | null = null;
  const files = new Map<string, SingleBar>();
  const stop = (): void => {
    bars?.stop();
    bars = null;
    files.clear();
  };
  return {
    show(transfer) {
      if (transfer.origin === "disk") return;
      const { file, done, total } = transfer;
      bars ??= new MultiBar({
        format: "{file} {bar} {percentage}% | {detail}",
        stream,
        barsize: 24,
        clearOnComplete: false,
      });
      const detail = `${bytesOf(done)} of ${bytesOf(total)}${rate(transfer)}`;
      const known = files.get(file);
      if (known === undefined) files.set(file, bars.create(total, done, { file, detail }));
      else {
        known.setTotal(total);
        known.update(done, { file, detail });
      }
      if ([...files.values()].every((bar) => bar.getProgress() >= 1)) stop();
    },
    stop,
  };
}

function plainView(stream: NodeJS.WritableStream): TransferView {
  const shown = new Map<string, number>();
  return {
    show(transfer) {
      const { file, done, total, origin } = transfer;
      if (origin === "disk") return;
      const now = performance.now();
      const last = shown.get(file);
      // The first line only when it takes a while; the last one always, if there was a first.
      if (last === undefined) shown.set(file, now);
      const silent = last === undefined || (now - last < PLAIN_INTERVAL_MS && done < total);
      if (silent) return;
      shown.set(file, now);
      stream.write(`${file} ${bytesOf(done)} of ${bytesOf(total)}${rate(transfer)}\n`);
    },
    stop: () => shown.clear(),
  };
}
