/**
 * @file What the GPU worker does on each command: one function a command (protocol/messages.ts). None of them throws.
 */
import { BasinError } from "../../base/error.ts";
import { WeightsClient } from "../../weights/workerReader.ts";
import type { ChatEvent } from "./protocol/chat.ts";
import type { LandscapeEvent } from "./protocol/landscape.ts";
import type { LabCommand } from "./protocol/messages.ts";
import type { Session } from "./session.ts";

export type CommandHandlers = {
  readonly [Type in LabCommand["type"]]: (command: Extract<LabCommand, { type: Type }>) => void | Promise<void>;
};

export function commandHandlers(session: Session, emit: (event: ChatEvent | LandscapeEvent) => void): CommandHandlers {
  const { environment, device, freeGpu, previews, chats, merges, runs, landscapes } = session;
  return {
    open_device: async () => {
      await device.get().catch(() => undefined); // reported as device_missing
    },
    weights_failed: ({ failure, fatal }) => environment.onWeightsFailure(new BasinError(failure), fatal),
    weights_restarted: ({ weights, failure }) => {
      environment.replaceWeights(new WeightsClient(weights), new BasinError(failure));
      previews.forget();
    },
    attach: ({ files }) => {
      runs.forget();
      environment.attachFiles(files);
      previews.forget();
    },
    attach_adapter: ({ name, files }) => environment.attachAdapter(name, files),
    attach_folder: async ({ name, source }) => {
      runs.forget();
      environment.attachFolder(name, source);
      previews.forget();
      // A model of that name may be loaded from another folder.
      if (!runs.busy) await chats.clear();
    },
    hub_access: ({ access }) => {
      environment.useHub(access);
      previews.forget();
    },
    start: (command) => runs.start(command).finally(() => landscapes.runEnded()),
    pause: ({ runId }) => runs.control(runId, "pause"),
    resume: ({ runId }) => runs.control(runId, "resume"),
    stop: ({ runId }) => runs.control(runId, "stop"),
    chat: async (command) => {
      if (!runs.busy) return chats.ask(freeGpu, command);
      const failure = { what: "A run is using the GPU", where: "chat", fix: "Ask again when the run has ended." };
      emit({ type: "chat_failed", chatId: command.chatId, failure });
    },
    chat_stop: ({ chatId }) => chats.stop(chatId),
    merge: (command) => merges.run(command),
    merge_stop: ({ mergeId }) => merges.stop(mergeId),
    landscape: async (command) => {
      if (!runs.busy && !landscapes.busy) return landscapes.obey(command);
      const failure = { what: "A run is using the GPU", where: "landscape", fix: "Measure when the run has ended." };
      emit({ type: "landscape_failed", landscapeId: command.landscapeId, failure });
    },
    landscape_pause: (command) => landscapes.obey(command),
    landscape_resume: (command) => landscapes.obey(command),
    landscape_stop: (command) => landscapes.obey(command),
  };
}

/** Hands a command to its handler. */
export async function obey<Type extends LabCommand["type"]>(
  handlers: CommandHandlers,
  command: Extract<LabCommand, { type: Type }>,
): Promise<void> {
  await handlers[command.type as Type](command);
}
