/** @file A run's failures in words for people. */
import { mebibytes } from "../../engine/device.ts";
import { BasinError, MemoryError } from "../../base/error.ts";
import { budgetText, gibibytes, type DeviceLimits } from "../plan/deviceMemory.ts";
import type { MemoryObstacle, MemoryReport, MemoryVerdict, RunFailure } from "./events.ts";

/** What helps where a part is the largest. */
const remedies: Readonly<Record<string, string>> = {
  activations:
    "Activations are the largest part: set gradient_checkpointing to true, lower per_device_train_batch_size (and " +
    "raise gradient_accumulation_steps) or max_length.",
  adapter: "The adapter is the largest part: lower r or target fewer modules.",
  anchor:
    "What the method keeps on the device is the largest part: target fewer modules, use fewer or shorter rows, or " +
    "choose another projector or method.",
  logits: "Logits are the largest part: lower per_device_train_batch_size.",
  generation: "The evaluation's cache is the largest part: lower eval.batch_size or eval.max_new_tokens.",
  weights: "The weights are the largest part: choose a smaller model.",
};

/** @throws BasinError when it is certain that a run cannot go through, with what to lower */
export function refuseUnfit({ obstacle }: MemoryVerdict): void {
  if (obstacle?.certain) throw new BasinError(obstacle.failure);
}

/** What stands in the way of a run; null when it fits. */
export function memoryObstacle(
  memory: MemoryReport,
  verdict: Omit<MemoryVerdict, "obstacle">,
  device: DeviceLimits,
): MemoryObstacle | null {
  const { budget, fits, proposals } = verdict;
  if (fits) return null;
  const tooLarge = overLimit(verdict, device);
  const suggestions = proposals.map(
    ({ label, total, fits: enough }) => `${label}: ${gibibytes(total)}${enough ? "" : " (not enough alone)"}`,
  );
  return {
    certain: tooLarge !== null || budget.source !== "default",
    failure: {
      what: tooLarge ?? `The run needs ${gibibytes(memory.total)} of device memory and may take ${budgetText(budget)}`,
      where: "memory plan",
      fix: suggestions.length > 0 ? `What would lower it: ${suggestions.join(" | ")}.` : "Choose a smaller model.",
    },
  };
}

/** What exceeds the device's limits; null where nothing does. */
function overLimit(
  { largestBuffer, excessBinding }: Pick<MemoryVerdict, "largestBuffer" | "excessBinding">,
  { maxBuffer, maxBinding }: DeviceLimits,
): string | null {
  if (largestBuffer > maxBuffer)
    return `The run needs a buffer of ${gibibytes(largestBuffer)}, and this device allows ${gibibytes(maxBuffer)}`;
  if (excessBinding > 0)
    return `The run needs to bind ${gibibytes(excessBinding)} at once, and this device allows ${gibibytes(maxBinding)}`;
  return null;
}

/**
 * The error as people should see it: an abort is a stop, and an error of memory also says what the whole run would
 * take.
 */
export function explained(error: unknown, memory: MemoryReport | null): unknown {
  if (error instanceof DOMException && error.name === "AbortError") {
    return new BasinError({
      what: "The run was stopped before its first step",
      where: "run",
      fix: "Start it again.",
      cause: error,
    });
  }
  if (memory === null || !(error instanceof MemoryError)) return error;
  const { total, ...parts } = memory;
  const [largest] = Object.entries(parts).sort(([, a], [, b]) => b - a);
  return new BasinError({
    what: `${error.what}; the run needs ${mebibytes(total)} in all (${Object.entries(parts)
      .map(([name, bytes]) => `${name} ${mebibytes(bytes)}`)
      .join(", ")})`,
    where: error.where,
    fix: `${remedies[largest?.[0] ?? ""] ?? "Choose a smaller model."} Close other programs and tabs that use the GPU.`,
    cause: error,
  });
}

/** What the `failed` event says. */
export function toFailure(error: unknown): RunFailure {
  if (error instanceof BasinError) return { what: error.what, where: error.where, fix: error.fix };
  return {
    what: error instanceof Error ? error.message : String(error),
    where: "run",
    fix: "This is a bug in Basin; please report it with the spec.",
  };
}
