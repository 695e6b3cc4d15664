/** @file The exercise as a page runs it: bundled by the long test and put into an empty page. */
import { openGpu } from "../../src/engine/device.ts";
import { BasinError } from "../../src/base/error.ts";
import type { RunEnvironment } from "../../src/experiment/run/environment.ts";
import { openCheckpoint } from "../../src/weights/checkpoint.ts";
import { urlSource } from "../../src/weights/urlSource.ts";
import { type Account, type Exercise, exercise } from "./exercise.ts";

const none = (): never => {
  throw new BasinError({ what: "The exercise reads models only", where: "long test", fix: "Do not ask for files." });
};

const environment: RunEnvironment = {
  openModel: (name, signal) => openCheckpoint(urlSource(name), signal ? { signal } : {}),
  openData: none,
  openDataset: none,
  readAdapter: none,
  now: () => performance.now(),
  versions: {},
};

declare global {
  var runExercise: ((task: Exercise) => Promise<Account>) | undefined;
}

globalThis.runExercise = async (task) => exercise(await openGpu(navigator.gpu), environment, task);
