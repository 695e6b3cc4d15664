/** @file The words of the area Basin. */

export const BASIN = {
  title: "Basin",
  text: "How safe the model stays when its weights are moved.",
  choose: "Picture",
  kinds: {
    plane: "Plane: a run’s update × the alignment direction",
    line: "Line: aligned model toward the unaligned one",
    random: "Curves: three random directions",
  },
  run: "Run",
  noRun: "The plane needs a finished run with an adapter of this model. Start a run first, or choose another picture.",
  invalid: "The settings have a mistake: correct it in Setup. The models are those of the settings.",
  noTwin: "The line needs an unaligned model: name it in Setup, or choose another picture.",
  fineness: "Points on each axis",
  prompts: "Prompts at each point",
  start: "Measure",
  pause: "Pause",
  resume: "Resume",
  stop: "Stop",
  busy: "A run is using the GPU. Measure when it has ended.",
  measuring: "A picture is being measured. Stop it to measure another.",
  opening: "Loading models and directions …",
  progress: (done: number, total: number, state: string): string => `${done} of ${total} points${state}`,
  paused: ", paused",
  waiting: ". Continues when the run has ended.",
  done: (total: number): string => `${total} points. At the end the weights were the originals to the last bit.`,
  failed: "The landscape could not be measured",
  stopped: "Stopped. The points that were measured stay.",
  measure: "Colour",
  empty:
    "Choose a picture and measure it. Points arrive from coarse to fine. A stroke across a cell marks points where " +
    "most answers are babble: neither a refusal nor a recipe.",
  proxy: "The margin is a proxy: it compares the probabilities of beginnings, and nothing is generated.",
  table: "All points as a table",
  columns: {
    a: "a",
    b: "b",
    harmful_score: "Harmful",
    refused: "Refused",
    neither: "Neither",
    benign_compliance: "Harmless answered",
    refusal_margin: "Margin",
  },
  visage: "VISAGE",
  visageRows: { judged: "Harmful as judged", not_refused: "Not refused counts as harmful" },
  visageValue: (mean: number | null, low: number | null, high: number | null): string =>
    mean === null
      ? "not defined: no point below 100 %"
      : `${mean.toFixed(1)}${low === null || high === null ? "" : ` (95 %: ${low.toFixed(1)} to ${high.toFixed(1)})`}`,
  exports: "Save",
  caution: "The bundled model has 0.9 million parameters: its basin says nothing about those of larger models.",
};

export const BASIN_CARD = {
  title: "See the basin",
  text:
    "Move the model’s weights along a run’s update and the alignment direction, and see where it stops refusing. " +
    "Without a run yet: the line from the aligned model to the unaligned one.",
  start: "Draw it",
  time: (points: number): string => `${points} points; a second or two each without a GPU`,
};
