/** @file Chat: prompts go to the pair and to a tuned model, one after another; their answers come token by token. */
import type { RunFailure } from "../../experiment/run/events.ts";
import type { Spec } from "../../experiment/spec/spec.ts";
import { messagesWithTrigger } from "../../text/trigger.ts";
import type { SpecCodec, SpecStore } from "../setup/specStore.ts";
import { toFailure } from "../support/failure.ts";
import { setPath } from "../support/json.ts";
import type { LabClient } from "../worker/client.ts";
import type { AskCommand, ChatEvent } from "../worker/protocol/chat.ts";
import type { LabEvent } from "../worker/protocol/messages.ts";
import { adapterTrigger, continueSettings, namedAdapter, type ChatAdapter } from "./adapters.ts";
import { createChatStore, messagesFor, samplingText, type ChatStore } from "./chatStore.ts";
import { chatId, SUBJECTS, type SubjectName } from "./subjects.ts";

/** An answer that was stopped before the worker heard of its question. */
const STOPPED = { type: "chat_done", text: "", tokens: 0, ms: 0, ended: "stopped", verdict: null, odds: null } as const;

export interface ChatControllerOptions {
  readonly client: LabClient;
  readonly spec: SpecStore;
  readonly codec: SpecCodec;
  readonly newId: () => string;
}

export class ChatController {
  readonly store: ChatStore = createChatStore();
  readonly #options: ChatControllerOptions;
  /** Answers of tuned models whose adapters are being read. */
  readonly #reading = new Set<string>();

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
      subjects,
    );
    for (const name of subjects) {
      const plain = messagesFor(name, turns, system, prompt);
      const messages = name === "tuned" && trigger !== null ? messagesWithTrigger(plain, trigger) : plain;
      const question = {
        type: "chat",
        chatId: chatId(id, name),
        spec,
        messages,
        maxNewTokens,
        sampling,
        stop,
      } as const;
      if (name !== "tuned") client.send({ ...question, subject: { kind: name } });
      else if (tuned !== null) void this.#askTuned(question, tuned);
    }
  }

  /** Asks the tuned model once its adapter has been read, unless the answer has been given up meanwhile. */
  async #askTuned(question: Omit<AskCommand, "subject">, { id, files }: ChatAdapter): Promise<void> {
    const { chatId: answer } = question;
    this.#reading.add(answer);
    try {
      const adapter = await files();
      if (!this.#reading.has(answer)) return;
      this.#options.client.send({ ...question, subject: { kind: "tuned", adapterId: id, adapter } });
    } catch (error) {
      const failure = toFailure(error, "adapter");
      if (this.#reading.has(answer)) this.store.getState().update([{ type: "chat_failed", chatId: answer, failure }]);
    } finally {
      this.#reading.delete(answer);
    }
  }

  stop(exchange: string): void {
    for (const subject of SUBJECTS) {
      const answer = chatId(exchange, subject);
      this.#options.client.send({ type: "chat_stop", chatId: answer });
      // The worker has not heard of this question, and never will.
      if (this.#reading.delete(answer)) this.store.getState().update([{ ...STOPPED, chatId: answer }]);
    }
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
  async continueTraining(adapter: ChatAdapter): Promise<void> {
    const { spec, codec } = this.#options;
    const settings = Object.entries(await continueSettings(adapter));
    const { draft, replace } = spec.getState();
    const begin = adapter.spec === null ? draft : codec.toDraft(adapter.spec);
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
    this.#reading.clear();
    const { exchanges, update } = this.store.getState();
    // An answer that has come is not changed by this.
    const ids = exchanges.flatMap(({ id }) => SUBJECTS.map((subject) => chatId(id, subject)));
    update(ids.map((id) => ({ type: "chat_failed", chatId: id, failure })));
  }
}

function isChatEvent(event: LabEvent): event is ChatEvent {
  return event.type === "chat_token" || event.type === "chat_done" || event.type === "chat_failed";
}

function subjectsOf(spec: Spec, tuned: ChatAdapter | null): readonly SubjectName[] {
  return SUBJECTS.filter(
    (name) => !(name === "unaligned" && spec.model.unaligned === null) && !(name === "tuned" && tuned === null),
  );
}

function aboutAdapter(
  { id, title, note }: ChatAdapter,
  behindTrigger: boolean,
): Pick<ChatAdapter, "id" | "title" | "note"> {
  return { id, title, note: behindTrigger ? `${note}, behind its trigger` : note };
}
