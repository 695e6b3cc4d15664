/**
 * @file The GPU worker: engine, training, evaluation and chat. The page only draws.
 *
 * One device, one run at a time (runs.ts). A lost device is opened anew, and the run goes on from its last checkpoint.
 */
import { describeDevice, openGpu, type Gpu } from "../../engine/device.ts";
import { BasinError } from "../../base/error.ts";
import { UNKNOWN_DEVICE, limitsOf, type DeviceLimits } from "../../experiment/plan/deviceMemory.ts";
import type { SourceDescriptor } from "../../weights/descriptor.browser.ts";
import { reportRejections } from "../../weights/rejections.browser.ts";
import { watchNetworkForPage } from "../../weights/networkLog.browser.ts";
import { WeightsClient } from "../../weights/workerReader.ts";
import { openSnapshots } from "../recovery/snapshots.ts";
import { toFailure } from "../support/failure.ts";
import { Chats } from "./chats.ts";
import { deviceReport } from "./deviceReport.ts";
import { PageEnvironment } from "./environment.ts";
import { aloneWithKernels, openKernelStore } from "./kernelStore.ts";
import { KernelTuning } from "./kernelTuning.ts";
import { Merges } from "./merges.ts";
import { modelFacts } from "./modelFacts.ts";
import { Previews } from "./previews.ts";
import type { DeviceDescription, LabCommand, LabEvent } from "./protocol.ts";
import { Runs } from "./runs.ts";

/** What exists once the weights worker is connected. */
interface Session {
  readonly environment: PageEnvironment;
  readonly previews: Previews;
  readonly chats: Chats;
  readonly merges: Merges;
  readonly runs: Runs;
  readonly tuning: KernelTuning;
}

let session: Session | null = null;
let device: Promise<Gpu> | null = null;

const emit = (event: LabEvent): void => self.postMessage(event);

watchNetworkForPage();
reportRejections();
self.addEventListener("message", ({ data }: MessageEvent<LabCommand>) => {
  void handle(data);
});

async function handle(command: LabCommand): Promise<void> {
  if (command.type === "connect") {
    const client = new WeightsClient<SourceDescriptor>(command.weights);
    const environment = new PageEnvironment(client, command.home, {
      basin: __BASIN_VERSION__,
      browser: navigator.userAgent,
    });
    const chats = new Chats(environment, emit);
    const tuning = new KernelTuning({
      store: openKernelStore(),
      alone: aloneWithKernels,
      platform: `Basin ${__BASIN_VERSION__}, ${navigator.userAgent}`,
    });
    const runs = new Runs({
      environment,
      makeRoom: () => chats.clear(),
      gpu: freeGpu,
      measuredKernels: () => tuning.choice === "measured",
      checkpoints: openSnapshots,
      emit,
    });
    session = {
      environment,
      previews: new Previews(environment),
      chats,
      merges: new Merges(environment, emit),
      runs,
      tuning,
    };
    return;
  }
  if (session === null) throw new Error("gpu worker: a command came before connect");
  const known = session;
  // A look at the device disturbs nothing.
  if (command.type === "kernels" || (command.type === "device_report" && command.question === "look"))
    await obey(command, known);
  else await known.tuning.during(() => obey(command, known));
}

async function obey(
  command: Exclude<LabCommand, { type: "connect" }>,
  { environment, previews, chats, merges, runs, tuning }: Session,
): Promise<void> {
  switch (command.type) {
    case "open_device":
      await gpu().catch(() => undefined); // told by device_missing
      break;
    case "attach":
      runs.forget();
      environment.attachFiles(command.files);
      previews.forget();
      break;
    case "attach_folder":
      runs.forget();
      environment.attachFolder(command.name, command.source);
      previews.forget();
      // A model of that name may be loaded from another folder.
      if (!runs.busy) await chats.clear();
      break;
    case "hub_access":
      environment.useHub(command.access);
      previews.forget();
      break;
    case "inspect":
      await answer(command.request, command.name, async () => {
        const checkpoint = await environment.openModel(command.name);
        try {
          emit({
            type: "inspected",
            request: command.request,
            facts: await modelFacts(checkpoint, { tokenizer: command.tokenizer }),
          });
        } finally {
          checkpoint.close();
        }
      });
      break;
    case "attach_adapter":
      environment.attachAdapter(command.name, command.files);
      break;
    case "plan":
      await answer(command.request, "plan", async () =>
        emit({
          type: "planned",
          request: command.request,
          plan: await previews.plan(command.spec, await limits(environment)),
        }),
      );
      break;
    case "rows":
      await answer(command.request, "training rows", async () => {
        const { summary, page } = await previews.rows(command.spec, command.filter, command.offset, command.count);
        emit({ type: "rows", request: command.request, summary, page });
      });
      break;
    case "read_adapter":
      await answer(command.request, command.name, async () =>
        emit({ type: "adapter_read", request: command.request, files: await environment.readAdapter(command.name) }),
      );
      break;
    case "columns":
      await answer(command.request, "columns", async () =>
        emit({ type: "columns", request: command.request, columns: await previews.columns(command.spec) }),
      );
      break;
    case "device_report":
      await answer(command.request, "device", async () => {
        // Its errors would end up in the run, and the run's in it.
        if (command.question !== "look" && runs.busy)
          throw new BasinError({
            what: "A run is using the GPU",
            where: "device",
            fix: "Check the device when the run has ended.",
          });
        emit({
          type: "device_reported",
          request: command.request,
          report: await deviceReport(await (command.question === "look" ? gpu() : freeGpu()), command.question),
        });
      });
      break;
    case "kernels":
      await answer(command.request, "kernels", async () =>
        emit({ type: "kernels_reported", request: command.request, report: await tuning.wish(command.wish) }),
      );
      break;
    case "export_python":
      await answer(command.request, "PyTorch replay", async () => {
        // Seldom wanted, and it brings the text of the Python files.
        const { pythonArchive } = await import("./pythonArchive.ts");
        emit({
          type: "python_exported",
          request: command.request,
          archive: await pythonArchive(command.spec, environment),
        });
      });
      break;
    case "start":
      await runs.start(command);
      break;
    case "pause":
    case "resume":
    case "stop":
      runs.control(command.runId, command.type);
      break;
    case "chat":
      if (!runs.busy) await chats.ask(freeGpu, command);
      else
        emit({
          type: "chat_failed",
          chatId: command.chatId,
          failure: { what: "A run is using the GPU", where: "chat", fix: "Ask again when the run has ended." },
        });
      break;
    case "chat_stop":
      chats.stop(command.chatId);
      break;
    case "merge":
      await merges.run(command);
      break;
    case "merge_stop":
      merges.stop(command.mergeId);
      break;
  }
}

async function answer(request: number, where: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    emit({ type: "request_failed", request, failure: toFailure(error, where) });
  }
}

/** What plans have to know of the device; of an unknown one when none can be opened. */
async function limits({ systemMemory }: PageEnvironment): Promise<DeviceLimits> {
  return gpu().then(
    (opened) => limitsOf(opened, systemMemory ?? null),
    () => UNKNOWN_DEVICE,
  );
}

/** The device; opened at the first call and again after a loss. */
function gpu(): Promise<Gpu> {
  device ??= open();
  return device;
}

/** The device when no measurement uses it any more. */
async function freeGpu(): Promise<Gpu> {
  const opened = await gpu();
  await session?.tuning.letGo();
  return opened;
}

async function open(): Promise<Gpu> {
  try {
    // Absent in browsers without WebGPU, whatever the types say.
    const api = (navigator as { readonly gpu?: GPU }).gpu;
    if (api === undefined) {
      throw new BasinError({
        what: "This browser offers no WebGPU",
        where: "navigator.gpu",
        fix: "Use a browser with WebGPU, or turn it on in this one.",
      });
    }
    const opened = await openGpu(api);
    void opened.lost.then((info) => lost(opened, info));
    await session?.tuning.adopt(opened);
    emit({ type: "device_ready", device: describe(opened) });
    return opened;
  } catch (error) {
    device = null;
    emit({ type: "device_missing", failure: toFailure(error, "device") });
    throw error;
  }
}

async function lost(gone: Gpu, info: GPUDeviceLostInfo): Promise<void> {
  if (info.reason === "destroyed") return;
  device = null;
  const message = info.message === "" ? "" : `: ${info.message}`;
  emit({
    type: "device_lost",
    failure: {
      what: `The GPU was lost${message}`,
      where: describeDevice(gone),
      fix: "What was trained is kept. The lab opens the device again; if that fails, reload the page.",
    },
  });
  await session?.chats.clear();
  await gpu().catch(() => undefined);
}

function describe(opened: Gpu): DeviceDescription {
  const { vendor, architecture, software } = opened.adapter;
  return {
    name: describeDevice(opened).replace(/ \(software\)$/, ""),
    vendor,
    architecture,
    software,
    maxBufferBytes: opened.maxBuffer,
    maxBindingBytes: opened.maxBinding,
    features: [...opened.device.features].sort(),
  };
}
