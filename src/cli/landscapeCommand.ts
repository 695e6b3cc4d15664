/**
 * @file `basin landscape`: a landscape into a folder.
 *
 *     points.jsonl      what it is of, then every point as soon as it is measured: what --resume starts from
 *     answers.jsonl     the answers at every point
 *     landscape.json    the whole, at the end; the same to the last bit however often it was interrupted
 *     points.csv        the same points as a table
 *     plane.svg, …      a picture of each plane or line
 */
import { existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync, appendFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { BasinError } from "../base/error.ts";
import { isRecord } from "../base/records.ts";
import { csvText } from "../base/tableText.ts";
import { pointRows, type LandscapeDocument } from "../experiment/landscape/landscapeDocument.ts";
import {
  runLandscape,
  type BegunLandscape,
  type KnownPoint,
  type KnownPoints,
  type LandscapeEvents,
} from "../experiment/landscape/landscapeRun.ts";
import { MEASURES, surveySvg } from "../experiment/landscape/picture.ts";
import { parseLandscapeJson } from "../experiment/landscape/landscapeSpec.ts";
import type { MeasuredPoint, PointScores } from "../analysis/landscape/pointScores.ts";
import type { Visage } from "../analysis/landscape/visage.ts";
import type { Rate } from "../eval/scores.ts";
import { nodeEnvironment, readText } from "./environment.ts";
import { cliGpu } from "./gpu.ts";
import { log, progress, type Progress } from "./report.ts";

export interface LandscapeOptions {
  readonly out: string;
  readonly resume?: boolean;
  readonly force?: boolean;
}

const POINTS = "points.jsonl";
const ANSWERS = "answers.jsonl";
const RESULT = "landscape.json";

/** Exit code: 0 finished, 130 interrupted. @throws BasinError as `runLandscape` */
export async function landscape(
  specPath: string,
  { out, resume = false, force = false }: LandscapeOptions,
): Promise<void> {
  const spec = parseLandscapeJson(await readText(specPath), specPath);
  const folder = resolve(out);
  if (existsSync(join(folder, POINTS)) && !resume && !force) {
    throw new BasinError({
      what: "The folder already contains a landscape",
      where: folder,
      fix: "Add --resume to measure what is missing, --force to overwrite it, or choose another folder with --out.",
    });
  }
  mkdirSync(folder, { recursive: true });
  const known = resume ? readPoints(join(folder, POINTS)) : null;
  if (resume && known === null) log("There is nothing to resume; the landscape starts from the beginning.");
  if (known === null) for (const name of [POINTS, ANSWERS, RESULT]) rmSync(join(folder, name), { force: true });
  const { gpu } = await cliGpu();
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  const records = new Records(folder, known !== null);
  try {
    const document = await runLandscape({
      gpu,
      spec,
      environment: nodeEnvironment(dirname(resolve(specPath))),
      known,
      signal: stop.signal,
      events: records,
    });
    records.stop();
    writeFileSync(join(folder, RESULT), `${JSON.stringify(document, null, 1)}\n`);
    writeFileSync(join(folder, "points.csv"), csvText(pointRows(document.surveys)));
    for (const survey of document.surveys) {
      const [first] = MEASURES;
      if (first !== undefined)
        writeFileSync(join(folder, `${survey.id}.svg`), `${surveySvg(survey, first, spec.experiment.name)}\n`);
    }
    process.stdout.write(summary(document));
    log(`results in ${out}`);
  } catch (error) {
    records.stop();
    if (!stop.signal.aborted) throw error;
    log("stopped; run the same command with --resume to continue");
    process.exitCode = 130;
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
    gpu.destroy();
  }
}

/** Writes each point as soon as it is measured, and shows how far the landscape is. */
class Records implements LandscapeEvents {
  readonly #folder: string;
  readonly #resumed: boolean;
  #bar: Progress | null = null;

  constructor(folder: string, resumed: boolean) {
    this.#folder = folder;
    this.#resumed = resumed;
  }

  readonly onNote = log;

  readonly onBegin = ({ fingerprint, total }: BegunLandscape): void => {
    if (!this.#resumed) this.#write(POINTS, { fingerprint });
    this.#bar = progress("points", total);
  };

  readonly onPoint = ({ scores, ...at }: KnownPoint, { answers, margins }: MeasuredPoint): void => {
    this.#write(ANSWERS, {
      ...at,
      margins,
      answers: answers.map(({ part, verdict, answer }) => [part, verdict, answer]),
    });
    // Last: a point that stands here is not measured again.
    this.#write(POINTS, { ...at, scores });
  };

  readonly onProgress = (done: number): void => this.#bar?.update(done);

  stop(): void {
    this.#bar?.stop();
    this.#bar = null;
  }

  #write(name: string, value: unknown): void {
    appendFileSync(join(this.#folder, name), `${JSON.stringify(value)}\n`);
  }
}

/**
 * The points of a folder; null where there are none. A line that its process did not finish is cut off.
 * @throws BasinError for a file that is no list of points
 */
export function readPoints(path: string): KnownPoints | null {
  if (!existsSync(path)) return null;
  const text = readFileSync(path, "utf8");
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  if (whole.length < text.length) truncateSync(path, Buffer.byteLength(whole));
  const [head, ...rest] = whole.split("\n").filter((line) => line !== "");
  if (head === undefined) return null;
  try {
    const first: unknown = JSON.parse(head);
    if (isRecord(first) && typeof first.fingerprint === "string")
      return { fingerprint: first.fingerprint, points: rest.map((line) => JSON.parse(line) as KnownPoint) };
  } catch {
    // Said below.
  }
  throw new BasinError({
    what: "This is no list of a landscape's points",
    where: path,
    fix: "Choose the folder that `basin landscape` wrote, or another one with --out.",
  });
}

function rateText(rate: Rate | null): string {
  return rate === null ? "–" : `${rate.percent.toFixed(0)} %`;
}

function pointText({ harmful_score, refused, neither, benign_compliance, refusal_margin }: PointScores): string {
  return (
    `harmful ${rateText(harmful_score)}, refused ${rateText(refused)}, neither ${rateText(neither)}, ` +
    `harmless answered ${rateText(benign_compliance)}, margin ${refusal_margin?.mean.toFixed(2) ?? "–"}`
  );
}

function visageText({ mean, ci95, directions }: Visage): string {
  const each = directions.map(({ seed, value }) => `seed ${seed} ${value?.toFixed(1) ?? "no valid point"}`).join(", ");
  const interval = ci95 === null ? "" : ` (95 %: ${ci95.low.toFixed(1)} to ${ci95.high.toFixed(1)})`;
  return `${mean === null ? "not defined" : mean.toFixed(1)}${interval}; ${each}`;
}

function summary({ origin, surveys, visage, epl }: LandscapeDocument): string {
  const lines = [`origin: ${pointText(origin)}`];
  for (const { title, axes, cosine, points } of surveys) {
    lines.push(
      `${title}: ${points.length} points${cosine === null ? "" : `, cosine ${cosine.before?.toFixed(4) ?? "–"}`}`,
    );
    if (axes.length > 1) continue;
    for (const { a, ...scores } of points) lines.push(`  a = ${a.toFixed(2).padStart(5)}  ${pointText(scores)}`);
  }
  if (visage !== null) {
    lines.push(`VISAGE, harmful as judged: ${visageText(visage.judged)}`);
    lines.push(`VISAGE, not refused counts as harmful: ${visageText(visage.not_refused)}`);
  }
  for (const { direction, length, at_least } of epl?.judged ?? [])
    lines.push(`EPL ${direction}: ${length === null ? "unsafe at the origin" : `${at_least ? "≥ " : ""}${length}`}`);
  return `${lines.join("\n")}\n`;
}
