/**
 * @file Learning-rate schedules, named and computed as in transformers (`get_scheduler`) and, for `step_per_epoch`, as
 * AsFT's released code (torch StepLR with step size one epoch).
 */

export type SchedulerType = "constant" | "linear" | "cosine" | "step_per_epoch";

export interface Schedule {
  readonly learning_rate: number;
  readonly lr_scheduler_type: SchedulerType;
  /** Factor per epoch for `step_per_epoch`. */
  readonly lr_gamma: number;
  /** Steps of linear warm-up from 0. */
  readonly warmup_steps: number;
}

/** The learning rate of optimiser step `step` (0-based) of `totalSteps`, in epoch `epoch` (0-based). */
export function learningRate(schedule: Schedule, step: number, totalSteps: number, epoch: number): number {
  const { learning_rate: peak, warmup_steps: warmup } = schedule;
  if (step < warmup) return (peak * step) / Math.max(1, warmup);
  const progress = (step - warmup) / Math.max(1, totalSteps - warmup);
  switch (schedule.lr_scheduler_type) {
    case "constant":
      return peak;
    case "linear":
      return peak * Math.max(0, 1 - progress);
    case "cosine":
      return peak * Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
    case "step_per_epoch":
      return peak * schedule.lr_gamma ** epoch;
  }
}
