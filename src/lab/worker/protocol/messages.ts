/**
 * @file The messages between the page and the GPU worker: two discriminated unions, put together from one file a
 * subject.
 *
 *     page                                    GPU worker
 *     connect {weights, home}            ->                                  a direct line to the weights worker
 *     weights_failed {failure, fatal}    ->                                  it failed: pending reads are rejected
 *     weights_restarted {weights, …}     ->                                  it is gone; a line to the next one
 *     open_device                        ->
 *                                        <-   device_ready | device_missing, later perhaps device_lost
 *     attach | attach_adapter |          ->                                  inputs.ts: what specs may name from now on
 *     attach_folder | hub_access
 *     request {id, name, input}          ->                                  requests.ts: plan, rows, inspect, …
 *                                        <-   response {id, output} | request_failed {id, failure}
 *     start {runId, spec, resume, …}     ->                                  run.ts
 *                                        <-   every RunEvent (phase, plan, step, …), answers, adapter,
 *                                             snapshot_saved | snapshot_failed,
 *                                             device_return (after the device was lost), last finished | failed
 *     pause | resume | stop {runId}      ->
 *     chat  {chatId, …}                  ->                                  chat.ts
 *                                        <-   chat_token …, chat_done | chat_failed
 *     chat_stop {chatId}                 ->
 *     merge {mergeId, …}                 ->                                  merge.ts
 *                                        <-   merge_progress …, merge_done | merge_failed
 *     merge_stop {mergeId}               ->
 *     landscape {landscapeId, spec}      ->                                  landscape.ts
 *                                        <-   landscape_begun, landscape_point …, landscape_done | landscape_failed
 *     landscape_pause | landscape_resume | landscape_stop {landscapeId}  ->
 *
 * Requests are answered once, by number. Every event of a run carries its runId, every event of an answer its chatId.
 */
import type { RequestMessage, ResponseMessage } from "../../../base/requests.ts";
import type { RunFailure } from "../../../experiment/run/events.ts";
import type { ChatCommand, ChatEvent } from "./chat.ts";
import type { DeviceEvent } from "./device.ts";
import type { InputCommand } from "./inputs.ts";
import type { LandscapeCommand, LandscapeEvent } from "./landscape.ts";
import type { MergeCommand, MergeEvent } from "./merge.ts";
import type { LabRequests } from "./requests.ts";
import type { RunCommand, RunUpdate, SnapshotEvent } from "./run.ts";

/** The first message. */
export interface ConnectCommand {
  readonly type: "connect";
  readonly weights: MessagePort;
  /** Address of the folder that the page is served from. */
  readonly home: string;
}

export type LabRequest = RequestMessage<LabRequests>;

/** Commands that get no answer of their own. */
export type LabCommand =
  | { readonly type: "open_device" }
  | { readonly type: "weights_failed"; readonly failure: RunFailure; readonly fatal: boolean }
  /** The weights worker is gone, and another is at the end of this port. */
  | { readonly type: "weights_restarted"; readonly weights: MessagePort; readonly failure: RunFailure }
  | InputCommand
  | RunCommand
  | ChatCommand
  | MergeCommand
  | LandscapeCommand;

export type LabMessage = ConnectCommand | LabRequest | LabCommand;

/** Events that answer no request. */
export type LabEvent =
  | DeviceEvent
  | RunUpdate
  | SnapshotEvent
  | ChatEvent
  | MergeEvent
  | LandscapeEvent
  | WorkerLostEvent;

/** The GPU worker is gone, with everything that it held; the client says so in its place. */
export interface WorkerLostEvent {
  readonly type: "worker_lost";
  readonly failure: RunFailure;
  /** Whether another has been started. */
  readonly restarted: boolean;
}

export type LabReply = LabEvent | ResponseMessage<LabRequests>;
