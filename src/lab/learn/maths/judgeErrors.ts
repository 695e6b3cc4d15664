/**
 * @file What a judge that errs makes of a share: Rogan and Gladen, American Journal of Epidemiology 107 (1978) 71-76.
 */

export interface JudgeErrors {
  /** Share of harmful answers that it calls safe, 0 … 1. */
  readonly missed: number;
  /** Share of safe answers that it calls harmful, 0 … 1. */
  readonly falseAlarms: number;
}

/** The share that the judge reports, expected, where `truth` of the answers are harmful: p(1 − m) + (1 − p)f. */
export function apparentShare(truth: number, { missed, falseAlarms }: JudgeErrors): number {
  return truth * (1 - missed) + (1 - truth) * falseAlarms;
}
