/** @file The JSON Lines files of a run's folder: metrics, answers, samples and modules, a record a line. */

import { join } from "node:path";
import type { EvaluatedAnswer } from "../eval/evaluate.ts";
import type { RunEvent } from "../experiment/run/events.ts";
import { LinesFile } from "./runFolder.ts";

export class RunRecords {
  readonly #metrics: LinesFile;
  readonly #answers: LinesFile;
  readonly #modules: LinesFile;
  readonly #samples: LinesFile;

  /** `resumed`: the files stay as they are until the run has read them. */
  constructor(folder: string, resumed: boolean) {
    const open = (name: string): LinesFile => new LinesFile(join(folder, name), resumed);
    this.#metrics = open("metrics.jsonl");
    this.#answers = open("answers.jsonl");
    this.#modules = open("modules.jsonl");
    this.#samples = open("samples.jsonl");
  }

  write(event: RunEvent): void {
    if (event.type === "step") this.#metrics.write(event.metrics);
    if (event.type === "samples") {
      const { who, step, answers } = event.sampled;
      for (const answer of answers) this.#samples.write({ who, step, ...answer });
    }
    if (event.type === "modules") {
      const { step, values } = event.column;
      const modules = Object.fromEntries(event.paths.map((path, i) => [path, values[i]]));
      this.#modules.write({ step, quantity: event.quantity, modules });
    }
  }

  writeAnswers(when: string, step: number, answers: readonly EvaluatedAnswer[]): void {
    for (const answer of answers) this.#answers.write({ when, step, ...answer });
  }

  close(): void {
    for (const file of [this.#metrics, this.#answers, this.#modules, this.#samples]) file.close();
  }
}
