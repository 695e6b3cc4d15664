/**
 * @file PyTorch's process: python/bench_step.py answers questions, a line of JSON each, in the order in which they are
 * asked.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("../../python/bench_step.py", import.meta.url));

/** @returns `ask`, and `close`, which ends the process */
export function openPython(python) {
  const child = spawn(python, [script, "--serve"], { stdio: ["pipe", "pipe", "inherit"] });
  const waiting = [];
  let ended;
  const end = (why) => {
    ended ??= new Error(`PyTorch's process: ${why}`);
    for (const { reject } of waiting.splice(0)) reject(ended);
  };
  child.on("error", (error) => end(error.message));
  child.on("exit", (code, signal) => end(`it ended (${signal ?? code})`));
  // A question to a process that has just ended is answered by `end`.
  child.stdin.on("error", () => undefined);
  createInterface({ input: child.stdout }).on("line", (line) => {
    let answer;
    try {
      answer = JSON.parse(line);
    } catch {
      process.stderr.write(`${line}\n`);
      return;
    }
    const next = waiting.shift();
    if (answer.error === undefined) next?.resolve(answer);
    else next?.reject(new Error(answer.error));
  });
  return {
    ask: (question) =>
      new Promise((resolve, reject) => {
        if (ended) {
          reject(ended);
          return;
        }
        waiting.push({ resolve, reject });
        child.stdin.write(`${JSON.stringify(question)}\n`);
      }),
    close: () => {
      child.stdin.end();
      child.kill();
    },
  };
}
