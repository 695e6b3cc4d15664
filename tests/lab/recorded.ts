/**
 * @file What the GPU worker said during one real run in Chromium: AsFT on 48 rows, paused once, with every event that
 * the page saw (most of the loading events left out, the adapter's bytes replaced by their lengths).
 */
import type { LabEvent } from "../../src/lab/worker/protocol/messages.ts";
import recorded from "./recordedRun.json" with { type: "json" };

interface RecordedAdapter {
  readonly type: "adapter";
  readonly runId: string;
  readonly files: Readonly<Record<string, number>>;
}

function isAdapter(event: { readonly type: string }): event is RecordedAdapter {
  return event.type === "adapter";
}

/** The events, oldest first. */
export const recordedEvents: readonly LabEvent[] = (recorded as readonly { readonly type: string }[]).map((event) =>
  isAdapter(event)
    ? ({
        ...event,
        files: {
          "adapter_config.json": new Uint8Array(event.files["adapter_config.json"] ?? 0),
          "adapter_model.safetensors": new Uint8Array(event.files["adapter_model.safetensors"] ?? 0),
        },
      } as LabEvent)
    : (event as LabEvent),
);

export const recordedRunId: string =
  recorded.map((event) => ("runId" in event ? event.runId : undefined)).find((id) => id !== undefined) ?? "";
