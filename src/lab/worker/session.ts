/** @file What exists in the GPU worker once the weights worker is connected, put together. */
import type { Gpu } from "../../engine/device.ts";
import type { SourceDescriptor } from "../../weights/descriptor.browser.ts";
import { WeightsClient } from "../../weights/workerReader.ts";
import { MergedModels } from "../runs/merge/mergedModels.ts";
import { openSnapshots } from "../recovery/snapshots.ts";
import { openKernelTexts } from "../storage/archives.ts";
import { Chats } from "./chats.ts";
import { WorkerDevice } from "./device.ts";
import { PageEnvironment } from "./environment.ts";
import { aloneWithKernels, kernelStore } from "./kernelStore.ts";
import { KernelTuning } from "./kernelTuning.ts";
import { Landscapes } from "./landscapes.ts";
import { Merges } from "./merges.ts";
import { Previews } from "./previews.ts";
import type { ConnectCommand, LabEvent } from "./protocol/messages.ts";
import { Runs } from "./runs.ts";

export interface Session {
  readonly environment: PageEnvironment;
  readonly device: WorkerDevice;
  /** The device when no measurement of kernels uses it any more. */
  readonly freeGpu: () => Promise<Gpu>;
  readonly tuning: KernelTuning;
  readonly previews: Previews;
  readonly chats: Chats;
  readonly merges: Merges;
  readonly runs: Runs;
  readonly landscapes: Landscapes;
}

export function openSession({ weights: port, home }: ConnectCommand, emit: (event: LabEvent) => void): Session {
  const environment = new PageEnvironment(new WeightsClient<SourceDescriptor>(port), home, {
    basin: __BASIN_VERSION__,
    browser: navigator.userAgent,
  });
  const chats = new Chats(environment.scope(), emit);
  const tuning = new KernelTuning({
    store: kernelStore(openKernelTexts(home)),
    alone: aloneWithKernels,
    platform: `Basin ${__BASIN_VERSION__}, ${navigator.userAgent}`,
  });
  const device = new WorkerDevice({
    emit,
    onOpen: (gpu) => tuning.adopt(gpu),
    onLost: () => chats.clear(),
  });
  const freeGpu = async (): Promise<Gpu> => {
    const gpu = await device.get();
    await tuning.release();
    return gpu;
  };
  const landscapes = new Landscapes({ environment, gpu: freeGpu, emit });
  const runs = new Runs({
    environment: environment.scope(),
    makeRoom: async () => {
      await landscapes.giveWay();
      await chats.clear();
    },
    gpu: freeGpu,
    measuredKernels: () => tuning.choice === "measured",
    snapshots: () => openSnapshots(home),
    emit,
  });
  const previews = new Previews(environment);
  return {
    environment,
    device,
    freeGpu,
    tuning,
    previews,
    chats,
    merges: new Merges(environment, new MergedModels(home), emit),
    runs,
    landscapes,
  };
}
