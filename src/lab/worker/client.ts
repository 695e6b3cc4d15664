/**
 * @file The page's end of the worker protocol: requests as promises, everything else handed on in batches.
 *
 * On a fast device a step takes a few milliseconds; events are therefore gathered and handed over at most once a frame
 * (by timer while the tab is hidden), so that React draws once for many steps and the page stays responsive.
 */
import { BasinError } from "../../base/error.ts";
import type { Spec } from "../../experiment/spec/spec.ts";
import type { AdapterFiles } from "../../weights/adapterFile.ts";
import type { DeviceQuestion, DeviceReport } from "./deviceReport.ts";
import type { KernelsReport, KernelsCommand } from "./kernelTuning.ts";
import type { ModelFacts } from "./modelFacts.ts";
import type { DataSummary, LabCommand, LabEvent, PythonArchive, RowFilter, RowPreview, RunPlan } from "./protocol.ts";

/** What is needed of a worker; tests use a recorded one. */
export interface LabPort {
  postMessage(command: LabCommand, transfer: Transferable[]): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
}

export type Schedule = (flush: () => void) => void;

/** Events that answer no request. */
export type Announcement = Exclude<LabEvent, { readonly request: number }>;

type Answer = Extract<LabEvent, { readonly request: number }>;

export interface RowsAnswer {
  readonly summary: DataSummary;
  readonly page: readonly RowPreview[];
}

export class LabClient {
  readonly #port: LabPort;
  readonly #schedule: Schedule;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #listener: (events: readonly Announcement[]) => void = () => undefined;
  #queue: Announcement[] = [];
  #nextRequest = 1;

  constructor(port: LabPort, schedule: Schedule) {
    this.#port = port;
    this.#schedule = schedule;
    port.addEventListener("message", ({ data }) => {
      // The worker belongs to this build: its messages have the protocol's type.
      this.#receive(data as LabEvent);
    });
  }

  /** Called with the events since the last call, oldest first. */
  listen(listener: (events: readonly Announcement[]) => void): void {
    this.#listener = listener;
  }

  send(command: Exclude<LabCommand, { readonly request: number }>, transfer: Transferable[] = []): void {
    this.#port.postMessage(command, transfer);
  }

  /** What a run would take. @throws BasinError when the spec cannot run (a missing file, a module that matches nothing, …) */
  async plan(spec: Spec): Promise<RunPlan> {
    const answer = await this.#ask((request) => ({ type: "plan", request, spec }));
    if (answer.type !== "planned") throw new Error(`lab protocol: ${answer.type} in answer to plan`);
    return answer.plan;
  }

  /** What a model's headers say. @throws BasinError when it cannot be opened */
  async inspect(name: string, tokenizer: boolean): Promise<ModelFacts> {
    const answer = await this.#ask((request) => ({ type: "inspect", request, name, tokenizer }));
    if (answer.type !== "inspected") throw new Error(`lab protocol: ${answer.type} in answer to inspect`);
    return answer.facts;
  }

  /** The training rows from `offset` on, and counts over all. @throws BasinError naming file and line of a bad row */
  async rows(spec: Spec, filter: RowFilter, offset: number, count: number): Promise<RowsAnswer> {
    const answer = await this.#ask((request) => ({ type: "rows", request, spec, filter, offset, count }));
    if (answer.type !== "rows") throw new Error(`lab protocol: ${answer.type} in answer to rows`);
    return { summary: answer.summary, page: answer.page };
  }

  /** An adapter of the hub or of an address. @throws BasinError when it is not there */
  async readAdapter(name: string): Promise<AdapterFiles> {
    const answer = await this.#ask((request) => ({ type: "read_adapter", request, name }));
    if (answer.type !== "adapter_read") throw new Error(`lab protocol: ${answer.type} in answer to read_adapter`);
    return answer.files;
  }

  /** The names of the columns of a source whose rows cannot be shown. @throws BasinError when not even those can be read */
  async columns(spec: Spec): Promise<readonly string[]> {
    const answer = await this.#ask((request) => ({ type: "columns", request, spec }));
    if (answer.type !== "columns") throw new Error(`lab protocol: ${answer.type} in answer to columns`);
    return answer.columns;
  }

  /** The experiment as a folder for PyTorch. @throws BasinError for a method that is not replayed, or rows that cannot be read */
  async exportPython(spec: Spec): Promise<PythonArchive> {
    const answer = await this.#ask((request) => ({ type: "export_python", request, spec }));
    if (answer.type !== "python_exported") throw new Error(`lab protocol: ${answer.type} in answer to export_python`);
    return answer.archive;
  }

  /** @throws BasinError when no device can be opened, or for more than a look while a run uses it */
  async deviceReport(question: DeviceQuestion): Promise<DeviceReport> {
    const answer = await this.#ask((request) => ({ type: "device_report", request, question }));
    if (answer.type !== "device_reported") throw new Error(`lab protocol: ${answer.type} in answer to device_report`);
    return answer.report;
  }

  /** @throws BasinError when there is no device, or when something else uses it and it should be measured */
  async kernels(wish: KernelsCommand): Promise<KernelsReport> {
    const answer = await this.#ask((request) => ({ type: "kernels", request, wish }));
    if (answer.type !== "kernels_reported") throw new Error(`lab protocol: ${answer.type} in answer to kernels`);
    return answer.report;
  }

  async #ask(command: (request: number) => LabCommand): Promise<Answer> {
    const request = this.#nextRequest;
    this.#nextRequest += 1;
    const answer = await new Promise<Answer>((resolve) => {
      this.#waiting.set(request, resolve);
      this.#port.postMessage(command(request), []);
    });
    if (answer.type === "request_failed") throw new BasinError(answer.failure);
    return answer;
  }

  #receive(event: LabEvent): void {
    if ("request" in event) {
      this.#waiting.get(event.request)?.(event);
      this.#waiting.delete(event.request);
      return;
    }
    this.#queue.push(event);
    if (this.#queue.length === 1) this.#schedule(() => this.#flush());
  }

  #flush(): void {
    const events = this.#queue;
    this.#queue = [];
    this.#listener(events);
  }
}

/** Once a frame while the page is visible, ten times a second while it is not. */
export function byFrame(): Schedule {
  return (flush) => {
    if (document.visibilityState === "visible") requestAnimationFrame(flush);
    else setTimeout(flush, 100);
  };
}
