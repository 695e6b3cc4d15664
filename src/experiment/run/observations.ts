/**
 * @file What a run observes of itself on the way, beside losses and scores: a figure per adapted module, and answers to
 * a few prompts.
 */
import type { EvaluatedAnswer } from "../../eval/evaluate.ts";

/** penalty: the module's part of the method's penalty, before lambda. update_norm: ‖B·A‖_F, without lora_alpha / r. */
export type ModuleQuantity = "penalty" | "update_norm";

/** One value per module, in the order of the run's modules. */
export interface ModuleColumn {
  readonly step: number;
  readonly values: readonly number[];
}

/** All columns of a run so far. */
export interface ModuleRecord {
  readonly quantity: ModuleQuantity;
  /** Names of the modules as in the checkpoint. */
  readonly paths: readonly string[];
  /** By step. */
  readonly columns: readonly ModuleColumn[];
}

/** trained: the model with its adapter at that step. */
export type SampledModel = "unaligned" | "aligned" | "trained";

/** Answers to the sample prompts. */
export interface Sampled {
  readonly who: SampledModel;
  /** Optimiser steps taken. */
  readonly step: number;
  readonly answers: readonly EvaluatedAnswer[];
}
