/**
 * @file A landscape, measured: models opened, the plan held against the device, points one by one from coarse to fine.
 *
 *     open ▸ bytes ▸ load (originals, directions) ▸ probe ▸ origin ▸ points … ▸ restore ▸ probe ▸ landscape.json
 *
 * Points are independent of each other and of their order: what was measured before (`known`) is not measured again,
 * and the document comes out the same to the last bit. Stopping loses the point at hand and no other.
 */
import { eplOf } from "../../analysis/landscape/epl.ts";
import { coarseToFine } from "../../analysis/landscape/grid.ts";
import type { PerturbedModel } from "../../analysis/landscape/perturbedModel.ts";
import {
  measurePoint,
  type MeasuredPoint,
  type PointPlan,
  type PointScores,
} from "../../analysis/landscape/pointScores.ts";
import { VISAGE_DEFINITION, visage, visageOf } from "../../analysis/landscape/visage.ts";
import { BasinError } from "../../base/error.ts";
import { temporarily } from "../../engine/allOrNothing.ts";
import { describeDevice, type Gpu } from "../../engine/device.ts";
import { modelOf } from "../../eval/evaluatedModel.ts";
import { Generator } from "../../generate/generator.ts";
import type { RunEnvironment } from "../run/environment.ts";
import { requireTokenizer } from "../run/textModel.ts";
import { shortHash } from "../spec/canonical.ts";
import {
  DEFINITIONS,
  LANDSCAPE_FORMAT,
  PRECISION,
  type LandscapeDocument,
  type LandscapePoint,
  type Survey,
} from "./landscapeDocument.ts";
import { openLandscape, type OpenedLandscape } from "./openLandscape.ts";
import { logitsDigest } from "./logitsDigest.ts";
import type { LandscapeSpec } from "./landscapeSpec.ts";
import { planSurveys, type PlannedSurvey } from "./surveys.ts";

/** Points that were measured before, and of what. */
export interface KnownPoints {
  readonly fingerprint: string;
  readonly points: readonly KnownPoint[];
}

/** A measured point and where it belongs. */
export interface KnownPoint {
  /** The survey's id; "origin" for the unperturbed model. */
  readonly survey: string;
  readonly a: number;
  readonly b?: number;
  readonly scores: PointScores;
}

export interface BegunLandscape {
  /** Digest of the document, the weights, the directions and the device: what the points depend on. */
  readonly fingerprint: string;
  readonly surveys: readonly Survey[];
  /** Points, the origin among them. */
  readonly total: number;
}

export interface LandscapeEvents {
  /** The surveys before a point of them is known. */
  readonly onBegin?: (begun: BegunLandscape) => void;
  /** Each point as it is measured, not those that were known. */
  readonly onPoint?: (point: KnownPoint, measured: MeasuredPoint) => void;
  readonly onProgress?: (done: number, total: number) => void;
  /** What a reader must know, as it comes up. */
  readonly onNote?: (note: string) => void;
}

export interface LandscapeOptions {
  readonly gpu: Gpu;
  readonly spec: LandscapeSpec;
  readonly environment: RunEnvironment;
  readonly known?: KnownPoints | null;
  readonly events?: LandscapeEvents;
  /** Waited for before each point: a pause. */
  readonly gate?: () => Promise<void>;
  readonly signal?: AbortSignal;
}

/**
 * @throws BasinError when a model or adapter cannot be read or does not fit, when the device has too little memory
 *   (the bytes are named), or when the weights did not come back to the last bit
 */
export async function runLandscape(options: LandscapeOptions): Promise<LandscapeDocument> {
  const opened = await openLandscape(options);
  for (const note of opened.notes) options.events?.onNote?.(note);
  return temporarily(async (own) => {
    const perturbed = own(await opened.load());
    const generator = own(new Generator(options.gpu, perturbed.model));
    return new Measuring(options, opened, perturbed, generator).run();
  });
}

class Measuring {
  readonly #options: LandscapeOptions;
  readonly #opened: OpenedLandscape;
  readonly #perturbed: PerturbedModel;
  readonly #generator: Generator;
  readonly #surveys: readonly PlannedSurvey[];
  readonly #scores = new Map<string, PointScores>();

  constructor(options: LandscapeOptions, opened: OpenedLandscape, perturbed: PerturbedModel, generator: Generator) {
    this.#options = options;
    this.#opened = opened;
    this.#perturbed = perturbed;
    this.#generator = generator;
    this.#surveys = planSurveys(options.spec.landscape, perturbed.sums);
    for (const { survey, a, b, scores } of options.known?.points ?? []) this.#scores.set(keyOf(survey, a, b), scores);
  }

  async run(): Promise<LandscapeDocument> {
    const queue = this.#queue();
    const { events, known } = this.#options;
    const unperturbed = await this.#digest();
    const fingerprint = await this.#fingerprint(unperturbed);
    if (known && known.fingerprint !== fingerprint) {
      throw new BasinError({
        what: "The points that were measured before belong to another landscape",
        where: "landscape: resume",
        fix: "The document, a model, an adapter, the device or Basin has changed: start anew in another folder.",
      });
    }
    const surveys = this.#surveys.map((survey) => this.#survey(survey));
    // The origin is measured once, also where it is a point of the grids.
    const moved = queue.filter(({ at }) => at.some((value) => value !== 0));
    const total = moved.length + 1;
    events?.onBegin?.({ fingerprint, surveys, total });
    this.#perturbed.restore();
    const at_origin = await this.#digest();
    this.#refuseOther(unperturbed, at_origin, "at the origin");
    let done = 0;
    const origin = await this.#point("origin", [], undefined);
    events?.onProgress?.((done += 1), total);
    for (const { survey } of queue)
      this.#scores.set(keyOf(survey.id, 0, survey.axes[1] === undefined ? undefined : 0), origin);
    for (const { survey, at } of moved) {
      await this.#point(survey.id, at, survey);
      events?.onProgress?.((done += 1), total);
    }
    this.#perturbed.restore();
    const after_last_point = await this.#digest();
    this.#refuseOther(unperturbed, after_last_point, "after the last point");
    return this.#document(origin, { unperturbed, at_origin, after_last_point });
  }

  /** All points, coarse to fine; surveys take turns. */
  #queue(): { readonly survey: PlannedSurvey; readonly at: readonly number[] }[] {
    const lists = this.#surveys.map((survey) => {
      const [first, second] = survey.axes;
      return coarseToFine(first?.steps.length ?? 0, second?.steps.length ?? 1).map(([i, j]) => ({
        survey,
        at: [first?.steps[i] ?? 0, ...(second === undefined ? [] : [second.steps[j] ?? 0])],
      }));
    });
    const longest = Math.max(0, ...lists.map(({ length }) => length));
    return Array.from({ length: longest }, (_, i) => lists.flatMap((list) => list[i] ?? [])).flat();
  }

  async #point(id: string, at: readonly number[], survey: PlannedSurvey | undefined): Promise<PointScores> {
    const { gate, signal, events } = this.#options;
    const [a = 0, b] = at;
    const key = keyOf(id, a, b);
    const known = this.#scores.get(key);
    if (known !== undefined) return known;
    await gate?.();
    signal?.throwIfAborted();
    this.#perturbed.moveTo(at, survey?.directions ?? []);
    const measured = await measurePoint(this.#plan, this.#model, signal);
    this.#scores.set(key, measured.scores);
    events?.onPoint?.({ survey: id, a, ...(b === undefined ? {} : { b }), scores: measured.scores }, measured);
    return measured.scores;
  }

  get #plan(): PointPlan {
    return this.#opened.plan;
  }

  get #model() {
    const { tokenizer, eosIds } = this.#opened.files;
    const { signal } = this.#options;
    return modelOf(this.#generator, tokenizer, { endTokens: eosIds, ...(signal ? { signal } : {}) });
  }

  #fingerprint(logits: string): Promise<string> {
    const { gpu, spec, environment } = this.#options;
    return shortHash([logits, spec, this.#perturbed.sums, describeDevice(gpu), environment.versions]);
  }

  #digest(): Promise<string> {
    const ids = requireTokenizer(this.#opened.files).encode("How do I begin?", { addSpecialTokens: true });
    return logitsDigest(this.#options.gpu, this.#perturbed.model, ids);
  }

  #refuseOther(before: string, after: string, where: string): void {
    if (before === after) return;
    throw new BasinError({
      what: `The logits ${where} are not those of the unperturbed model`,
      where: "landscape",
      fix: "The device does not compute reproducibly: close other programs that use it, or choose another device.",
    });
  }

  #survey({ directions, axes, ...survey }: PlannedSurvey): Survey {
    void directions;
    const [first, second] = axes;
    const points = (second?.steps ?? [undefined]).flatMap((b) =>
      (first?.steps ?? []).flatMap((a): LandscapePoint[] => {
        const scores = this.#scores.get(keyOf(survey.id, a, b));
        return scores === undefined ? [] : [{ a, ...(b === undefined ? {} : { b }), ...scores }];
      }),
    );
    return { ...survey, axes, points };
  }

  #document(origin: PointScores, logits: LandscapeDocument["logits"]): LandscapeDocument {
    const { gpu, spec, environment } = this.#options;
    const { experiment, adapter, landscape } = spec;
    const surveys = this.#surveys.map((survey) => this.#survey(survey));
    return {
      format: LANDSCAPE_FORMAT,
      version: 1,
      model: experiment.model.aligned,
      unaligned: experiment.model.unaligned,
      adapter,
      landscape,
      eval: experiment.eval,
      judge: this.#opened.judge,
      precision: PRECISION,
      definitions: DEFINITIONS,
      logits,
      origin,
      surveys,
      ...summaries(spec, surveys),
      device: { name: describeDevice(gpu), ...gpu.adapter },
      versions: environment.versions,
      notes: this.#opened.notes,
    };
  }
}

type Count = "judged" | "not_refused";

function curve({ points }: Survey, count: Count): { readonly a: number; readonly score: number }[] {
  return points.map(({ a, harmful_score, not_refused }) => ({
    a,
    score: (count === "judged" ? harmful_score : not_refused)?.percent ?? Number.NaN,
  }));
}

/** VISAGE of random lines, EPL of its kind: functions of the points, under both counts. */
export function summaries(
  { landscape: { kind, dimensions, threshold } }: Pick<LandscapeSpec, "landscape">,
  surveys: readonly Survey[],
): Pick<LandscapeDocument, "visage" | "epl"> {
  const visageBy = (count: Count) =>
    visage(surveys.map((survey) => visageOf(Number(survey.id.replace("seed-", "")), curve(survey, count))));
  const eplBy = (count: Count) => surveys.map((survey) => eplOf(survey.title, curve(survey, count), threshold));
  return {
    visage:
      kind === "random" && dimensions === 1
        ? { definition: VISAGE_DEFINITION, judged: visageBy("judged"), not_refused: visageBy("not_refused") }
        : null,
    epl: kind === "epl" ? { threshold, judged: eplBy("judged"), not_refused: eplBy("not_refused") } : null,
  };
}

function keyOf(survey: string, a: number, b: number | undefined): string {
  return `${survey} ${a} ${b ?? ""}`;
}
