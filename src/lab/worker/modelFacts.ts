/**
 * @file What is known of a model once its headers are read: family, size, dtype, tokenizer, and whether Basin can
 * run it.
 */
import type { RunFailure } from "../../experiment/run/events.ts";
import { parseConfig } from "../../model/families.ts";
import { modelBytes } from "../../model/loadModel.ts";
import type { Checkpoint } from "../../weights/checkpoint.ts";
import { toFailure } from "../support/failure.ts";

export interface ModelFacts {
  readonly name: string;
  /** `model_type` of the configuration: "llama", "qwen2", …; null where there is none. */
  readonly family: string | null;
  readonly parameters: number;
  /** Bytes of all tensors, as stored. */
  readonly bytes: number;
  /** "BF16", …, the most common first. */
  readonly dtypes: readonly string[];
  readonly layers: number | null;
  readonly hiddenSize: number | null;
  readonly vocabSize: number | null;
  /** Whether there is a tokenizer.json; null where nobody asked (the twin needs none). */
  readonly tokenizer: boolean | null;
  /** Why Basin cannot run it; null where it can. */
  readonly problem: RunFailure | null;
}

/** Reads headers, and the tokenizer unless the model is only compared with. */
export async function modelFacts(
  checkpoint: Checkpoint,
  { tokenizer, signal }: { readonly tokenizer: boolean; readonly signal?: AbortSignal },
): Promise<ModelFacts> {
  const bytesOf = new Map<string, number>();
  let parameters = 0;
  let bytes = 0;
  for (const { dtype, shape, byteLength } of checkpoint.tensors.values()) {
    bytesOf.set(dtype, (bytesOf.get(dtype) ?? 0) + byteLength);
    parameters += shape.reduce((product, size) => product * size, 1);
    bytes += byteLength;
  }
  const stored = [...bytesOf].sort(([, a], [, b]) => b - a).map(([dtype]) => dtype);
  const { config, name } = checkpoint;
  return {
    name,
    family: textOf(config, "model_type"),
    parameters,
    bytes,
    dtypes: [...stored, ...foreignTypes(checkpoint)],
    layers: numberOf(config, "num_hidden_layers"),
    hiddenSize: numberOf(config, "hidden_size"),
    vocabSize: numberOf(config, "vocab_size"),
    tokenizer: tokenizer ? (await checkpoint.text("tokenizer.json", signal)) !== null : null,
    problem: problemOf(checkpoint),
  };
}

function foreignTypes({ unreadable }: Checkpoint): Set<string> {
  return new Set([...unreadable.values()].flatMap((reason) => (reason.kind === "dtype" ? [reason.dtype] : [])));
}

/**
 * What a load would fail with before its first byte: the family, a setting, a tensor that is missing or of another
 * shape.
 */
function problemOf(checkpoint: Checkpoint): RunFailure | null {
  try {
    modelBytes(parseConfig(checkpoint.config, `${checkpoint.name}: config.json`), checkpoint, checkpoint.name);
    return null;
  } catch (error) {
    return toFailure(error, checkpoint.name);
  }
}

function fieldOf(config: unknown, key: string): unknown {
  return typeof config === "object" && config !== null && Object.hasOwn(config, key)
    ? Reflect.get(config, key)
    : undefined;
}

function textOf(config: unknown, key: string): string | null {
  const value = fieldOf(config, key);
  return typeof value === "string" ? value : null;
}

function numberOf(config: unknown, key: string): number | null {
  const value = fieldOf(config, key);
  return typeof value === "number" ? value : null;
}
