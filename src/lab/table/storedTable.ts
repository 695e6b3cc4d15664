/** @file The table of this browser as it is stored: the document with its failures. */
import type { RunFailure } from "../../experiment/run/events.ts";
import type { JsonObject } from "../support/json.ts";

export interface StoredTable {
  readonly id: "current";
  readonly input: JsonObject;
  /** Of cells, by key. */
  readonly failures: readonly { readonly key: string; readonly failure: RunFailure; readonly run: string }[];
}
