/**
 * @file What the command line says, and where: logs, progress and errors on stderr, results on stdout.
 */

import { SingleBar } from "cli-progress";
import { BasinError } from "../base/error.ts";

/** A line of log. */
export function log(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** A result: one JSON document on stdout. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Prints an error: what, where, and what to do; for a bug, its stack. */
export function printError(error: unknown): void {
  if (error instanceof BasinError) {
    log(`basin: ${error.what}`);
    log(`  where: ${error.where}`);
    log(`  fix:   ${error.fix}`);
    return;
  }
  log(`basin: unexpected error (a bug in Basin; please report it)`);
  log(error instanceof Error ? (error.stack ?? error.message) : String(error));
}

/** Progress of one phase: a bar with ETA on a terminal, plain lines otherwise. */
export interface Progress {
  update(done: number, detail?: string): void;
  stop(): void;
}

/** Without a terminal: a line at most this often. */
const PLAIN_INTERVAL_MS = 5000;

export function progress(title: string, total: number, stream: NodeJS.WriteStream = process.stderr): Progress {
  return stream.isTTY ? barProgress(title, total, stream) : plainProgress(title, total, stream);
}

function barProgress(title: string, total: number, stream: NodeJS.WriteStream): Progress {
  const bar = new SingleBar({
    format: `${title} {bar} {percentage}% | {value}/{total} | ETA {eta_formatted} {detail}`,
    stream,
    hideCursor: true,
    // Before the first unit is done there is no estimate: cli-progress then gives "INF" or "NULL".
    formatTime: (seconds) => (Number.isFinite(seconds) ? duration(seconds) : "-"),
    clearOnComplete: false,
    etaBuffer: 50,
    barsize: 24,
  });
  bar.start(total, 0, { detail: "" });
  return {
    update: (done, detail = "") => bar.update(done, { detail: detail === "" ? "" : `| ${detail}` }),
    stop: () => bar.stop(),
  };
}

function plainProgress(title: string, total: number, stream: NodeJS.WritableStream): Progress {
  const started = performance.now();
  let last = -Infinity;
  let latest = { done: 0, detail: "" };
  const print = ({ done, detail }: typeof latest): void => {
    const elapsed = (performance.now() - started) / 1000;
    const rest = done > 0 && done < total ? `, ${duration((elapsed / done) * (total - done))} left` : "";
    stream.write(`${title} ${done}/${total} (${duration(elapsed)}${rest})${detail === "" ? "" : ` ${detail}`}\n`);
  };
  let printed = -1;
  return {
    update(done, detail = "") {
      latest = { done, detail };
      const now = performance.now();
      if (now - last < PLAIN_INTERVAL_MS && done < total) return;
      last = now;
      printed = done;
      print(latest);
    },
    stop() {
      if (latest.done !== printed && latest.done > 0) print(latest);
    },
  };
}

/** "1 h 02 min", "3 min 20 s", "12 s". */
export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}
