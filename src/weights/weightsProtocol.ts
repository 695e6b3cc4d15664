/**
 * @file The messages between whoever needs weights (the GPU worker) and the weights worker: two discriminated unions.
 *
 *     client                                service
 *     open   {request, source}        ->
 *                                     <-    opened {request, checkpoint, config, tensors, unreadable}
 *                                     <-    progress {request of the open, transfer}   while tensors are read
 *     read   {request, checkpoint, name} ->
 *                                     <-    chunk {request, bytes}   (transferred), at most WINDOW on the way
 *     pull   {request}                ->    one more chunk may go out
 *                                     <-    end   {request}
 *     text   {request, checkpoint, path} ->
 *                                     <-    text  {request, text | null}
 *     cancel {request}                ->    (nothing more comes for this request)
 *     prefetch {checkpoint, names}    ->    (a hint, no answer: the service reads ahead in this order)
 *     close  {checkpoint}             ->
 *                                     <-    failed {request, error}  in place of any answer
 *
 * Back-pressure: a read starts with WINDOW credits; each chunk costs one, each `pull` returns one. So at most
 * WINDOW x 4 MiB of one tensor are in flight, however slow the consumer is; and the service reads at most 24 MiB ahead
 * of them.
 */
import { BasinError } from "../base/error.ts";
import type { TensorInfo, Unreadable } from "./tensorReader.ts";
import type { Transfer } from "./transfer.ts";

/** Chunks of one read that may be on the way without having been consumed. */
export const WINDOW = 3;

/** Sources that any platform can open; descriptor.browser.ts adds those that only a browser has. */
export interface UrlDescriptor {
  readonly kind: "url";
  readonly base: string;
  readonly name?: string;
}

export interface HubDescriptor {
  readonly kind: "hub";
  /** owner/name */
  readonly repo: string;
  readonly revision: string;
  /** Posted to the worker and kept in its memory; never written anywhere. */
  readonly token?: string;
  readonly hubUrl?: string;
  readonly name?: string;
}

export type WeightsCommand<Descriptor> =
  | { readonly kind: "open"; readonly request: number; readonly source: Descriptor; readonly progress: boolean }
  | { readonly kind: "prefetch"; readonly checkpoint: number; readonly names: readonly string[] }
  | { readonly kind: "read"; readonly request: number; readonly checkpoint: number; readonly name: string }
  | { readonly kind: "text"; readonly request: number; readonly checkpoint: number; readonly path: string }
  | { readonly kind: "pull"; readonly request: number }
  | { readonly kind: "cancel"; readonly request: number }
  | { readonly kind: "close"; readonly checkpoint: number };

export type WeightsEvent =
  | {
      readonly kind: "opened";
      readonly request: number;
      readonly checkpoint: number;
      readonly name: string;
      readonly config: unknown;
      readonly tensors: readonly TensorInfo[];
      readonly unreadable: readonly (readonly [string, Unreadable])[];
    }
  | { readonly kind: "progress"; readonly request: number; readonly transfer: Transfer }
  | { readonly kind: "chunk"; readonly request: number; readonly bytes: ArrayBuffer }
  | { readonly kind: "end"; readonly request: number }
  | { readonly kind: "text"; readonly request: number; readonly text: string | null }
  | { readonly kind: "failed"; readonly request: number; readonly error: PostedError };

/** An error in a form that survives postMessage. */
export type PostedError =
  | { readonly kind: "basin"; readonly what: string; readonly where: string; readonly fix: string }
  | { readonly kind: "other"; readonly name: string; readonly message: string };

export function toPosted(error: unknown): PostedError {
  if (error instanceof BasinError) return { kind: "basin", what: error.what, where: error.where, fix: error.fix };
  if (error instanceof Error) return { kind: "other", name: error.name, message: error.message };
  return { kind: "other", name: "Error", message: String(error) };
}

export function fromPosted(error: PostedError): Error {
  if (error.kind === "basin") return new BasinError({ what: error.what, where: error.where, fix: error.fix });
  const plain = new Error(error.message);
  plain.name = error.name;
  return plain;
}

/** What both ends need of a port: a browser's MessagePort, Worker or worker scope, or Node's MessagePort. */
export interface WeightsPort {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  /** MessagePorts deliver nothing before it; workers have no such method. */
  start?(): void;
}
