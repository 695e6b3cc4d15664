/**
 * @file What the long test does with a model of real size, the same in Node and in a browser: score a text, continue a
 * prompt, take three AsFT steps. Returns figures only, so that a page can hand them over.
 */
import type { Gpu } from "../../src/engine/device.ts";
import type { RunEnvironment } from "../../src/experiment/run/environment.ts";
import type { MemoryReport } from "../../src/experiment/run/events.ts";
import { runExperiment } from "../../src/experiment/run/runner.ts";
import { resolveSpec } from "../../src/experiment/spec/spec.ts";
import { loadWeights, openModelFiles } from "../../src/experiment/run/textModel.ts";
import { Generator } from "../../src/generate/generator.ts";

export interface Account {
  readonly logProbabilities: readonly number[];
  readonly continuation: readonly number[];
  readonly steps: readonly {
    readonly ce: number;
    readonly penalty: number;
    readonly grad_norm: number;
    readonly seconds: number;
  }[];
  readonly planned: MemoryReport;
  readonly peak: number;
  readonly recomputed: boolean;
  readonly seconds: { readonly load: number; readonly score: number; readonly generate: number; readonly run: number };
  readonly device: string;
}

export interface Exercise {
  readonly aligned: string;
  readonly unaligned: string;
  readonly checkpointing: "auto" | boolean;
  /** Tokens of each of the two rows of a step. */
  readonly rowTokens: number;
}

export const PROMPT = [101, 2024, 17, 40_000, 311, 28, 9_001, 512, 48_999, 7, 1234, 20_001, 5, 300, 77, 45_678];
const NEW_TOKENS = 8;

export async function exercise(
  gpu: Gpu,
  environment: RunEnvironment,
  { aligned, unaligned, checkpointing, rowTokens }: Exercise,
): Promise<Account> {
  const seconds = { load: 0, score: 0, generate: 0, run: 0 };
  const timed = async <T>(what: keyof typeof seconds, work: () => Promise<T>): Promise<T> => {
    const began = performance.now();
    const result = await work();
    seconds[what] = Math.round(performance.now() - began) / 1000;
    return result;
  };
  const files = await openModelFiles(environment, aligned);
  const model = await timed("load", () => loadWeights(gpu, files));
  const generator = new Generator(gpu, model);
  const [logProbabilities = []] = await timed("score", () => generator.score([PROMPT]));
  const [continuation = []] = await timed("generate", () =>
    generator.generate([PROMPT], { maxNewTokens: NEW_TOKENS, endTokens: new Set() }),
  );
  generator.destroy();
  model.destroy();

  const rows = Array.from({ length: 6 }, (_, row) => {
    const input_ids = Array.from({ length: rowTokens }, (__, t) => (7919 * (row + 1) * (t + 1)) % 49_152);
    return JSON.stringify({ input_ids, labels: input_ids.map((id, t) => (t < rowTokens / 2 ? -100 : id)) });
  });
  const spec = resolveSpec({
    model: { aligned, unaligned },
    data: { train: { source: "text", text: rows.join("\n"), format: "tokens" } },
    method: { name: "asft", lambda: 1 },
    train: { max_steps: 3, per_device_train_batch_size: 2, gradient_checkpointing: checkpointing, learning_rate: 1e-3 },
    eval: { harmful: null, task: null, benign: null },
  });
  const steps: Account["steps"][number][] = [];
  const result = await timed("run", () =>
    runExperiment({
      runId: "long",
      spec,
      gpu,
      environment,
      outputs: {
        onEvent: (event) => {
          if (event.type === "step")
            steps.push({
              ce: event.metrics.ce,
              penalty: event.metrics.penalty,
              grad_norm: event.metrics.grad_norm,
              seconds: Math.round(event.metrics.ms) / 1000,
            });
        },
      },
    }),
  );
  if (result.outcome === "failed") throw result.error;
  const { planned, peak, checkpointing: decided } = result.report.memory;
  return {
    logProbabilities,
    continuation,
    steps,
    planned,
    peak,
    recomputed: decided.on,
    seconds,
    device: result.report.device,
  };
}
