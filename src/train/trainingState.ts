/**
 * @file The adapter and AdamW's two moments, off the device and onto it, bit for bit. Together with the number of steps
 * taken they are all that the optimiser goes on from (its bias correction follows from that number).
 */
import type { ParameterStore } from "../engine/parameters.ts";

export const TRAINING_BUFFERS = ["values", "moment1", "moment2"] as const;

/** Every trainable tensor by name, in each of the three buffers. */
export type TrainingState = Readonly<Record<(typeof TRAINING_BUFFERS)[number], ReadonlyMap<string, Float32Array>>>;

export async function readTrainingState(parameters: ParameterStore): Promise<TrainingState> {
  return {
    values: await parameters.readAll("values"),
    moment1: await parameters.readAll("moment1"),
    moment2: await parameters.readAll("moment2"),
  };
}

/** @throws Error when a tensor is missing, unknown or of another size */
export function writeTrainingState(parameters: ParameterStore, state: TrainingState): void {
  for (const which of TRAINING_BUFFERS) {
    for (const name of parameters.layout.regions.keys()) {
      const values = state[which].get(name);
      if (!values) throw new Error(`no ${which} of ${name}`);
      parameters.write(which, name, values);
    }
  }
}
