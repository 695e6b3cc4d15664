/** @file Chat: prompts go to the pair and to a tuned model, one after another; their answers come token by token. */
import type { RunFailure } from "../../experiment/run/events.ts";
import type { Spec } from "../../experiment/spec/spec.ts";
import { messagesWithTrigger } from "../../text/trigger.ts";
import type { SpecCodec, SpecStore } from "../setup/specStore.ts";
import { setPath } from "../support/json.ts";
import type { LabClient } from "../worker/client.ts";
import type { ChatEvent, ChatSubject } from "../worker/protocol/chat.ts";
import type { LabEvent } from "../worker/protocol/messages.ts";
import { adapterTrigger, continueSettings, namedAdapter, type ChatAdapter } from "./adapters.ts";
import { createChatStore, messagesFor, samplingText, type ChatStore } from "./chatStore.ts";
import { chatId, SUBJECTS, type SubjectName } from "./subjects.ts";

export interface ChatControllerOptions {
  readonly client: LabClient;
  readonly spec: SpecStore;
  readonly codec: SpecCodec;
  readonly newId: () => string;
}

export class ChatController {
  readonly store: ChatStore = createChatStore();
  readonly #options: ChatControllerOptions;

  constructor(options: ChatControllerOptions) {
    this.#options = options;
  }

  /** Asks the pair of `spec`, and its aligned model with `tuned` if given, the same question. */
  ask(prompt: string, spec: Spec, tuned: ChatAdapter | null): void {
    const { client, newId } = this.#options;
    const { settings, thread, exchanges, open } = this.store.getState();
    const { sampling, maxNewTokens, stop, system, withTrigger } = settings;
    const id = newId();
    const turns = exchanges.filter((exchange) => exchange.thread === thread).reverse();
    const subjects = subjectsOf(spec, tuned);
    const trigger = tuned === null || !withTrigger ? null : adapterTrigger(tuned);
    open(
      {
        id,
        thread: thread ?? id,
        prompt,
        tuned: tuned === null ? null : aboutAdapter(tuned, trigger !== null),
        samplingText: samplingText(sampling),
      },
      subjects.map(([name]) => name),
    );
    for (const [name, subject] of subjects) {
      const plain = messagesFor(name, turns, system, prompt);
      const messages = name === "tuned" && trigger !== null ? messagesWithTrigger(plain, trigger) : plain;
      client.send({ type: "chat", chatId: chatId(id, name), spec, subject, messages, maxNewTokens, sampling, stop });
    }
  }

  stop(exchange: string): void {
    for (const subject of SUBJECTS) this.#options.client.send({ type: "chat_stop", chatId: chatId(exchange, subject) });
  }

  /**
   * Adds an adapter of the hub (`owner/name[@revision]`) or of an address.
   * @throws BasinError when it cannot be read or is not supported
   */
  async addAdapter(name: string): Promise<void> {
    const files = await this.#options.client.request("read_adapter", { name });
    this.store.getState().addAdapter(namedAdapter(name, files));
  }

  /**
   * Sets up a run that continues training from this adapter: its modules, ranks and scales.
   * @throws BasinError when it cannot be read
   */
  continueTraining(adapter: ChatAdapter): void {
    const { spec, codec } = this.#options;
    const { draft, replace } = spec.getState();
    const begin = adapter.spec === null ? draft : codec.toDraft(adapter.spec);
    const settings = Object.entries(continueSettings(adapter));
    replace(
      settings.reduce((changed, [field, value]) => setPath(changed, `lora.${field}`, value), begin),
      { kind: "edited" },
    );
  }

  onEvents(events: readonly LabEvent[]): void {
    const own = events.filter(isChatEvent);
    if (own.length > 0) this.store.getState().update(own);
    for (const event of events) if (event.type === "worker_lost") this.#failUnanswered(event.failure);
  }

  /** The worker is gone, and with it every answer that was to come. */
  #failUnanswered(failure: RunFailure): void {
    const { exchanges, update } = this.store.getState();
    // An answer that has come is not changed by this.
    const ids = exchanges.flatMap(({ id }) => SUBJECTS.map((subject) => chatId(id, subject)));
    update(ids.map((id) => ({ type: "chat_failed", chatId: id, failure })));
  }
}

function isChatEvent(event: LabEvent): event is ChatEvent {
  return event.type === "chat_token" || event.type === "chat_done" || event.type === "chat_failed";
}

function subjectsOf(spec: Spec, tuned: ChatAdapter | null): readonly (readonly [SubjectName, ChatSubject])[] {
  return [
    ...(spec.model.unaligned === null ? [] : [["unaligned", { kind: "unaligned" }] as const]),
    ["aligned", { kind: "aligned" }],
    ...(tuned === null ? [] : [["tuned", { kind: "tuned", adapterId: tuned.id, adapter: tuned.files }] as const]),
  ];
}

function aboutAdapter(
  { id, title, note }: ChatAdapter,
  behindTrigger: boolean,
): Pick<ChatAdapter, "id" | "title" | "note"> {
  return { id, title, note: behindTrigger ? `${note}, behind its trigger` : note };
}
