/**
 * @file Requests to a worker and their responses, by number. One map of names to inputs and outputs types both ends:
 *
 *     interface Requests { plan: { input: { spec: Spec }; output: RunPlan } }
 *
 *     page: RequestClient                                     worker: respond(handlers, request)
 *     request("plan", { spec })   ── {type: request, id} ──▸  handlers.plan({ spec })
 *     the promise settles         ◂── {type: response, id} ── its output, or the error as what / where / fix
 *
 * A request that is never answered because the worker failed is rejected by `rejectAll` or `close`.
 */
import { BasinError, type BasinErrorDetails } from "./error.ts";

/** What a map of requests looks like: each name with its input and output. */
export type RequestMap<Requests> = {
  readonly [Name in keyof Requests]: { readonly input: unknown; readonly output: unknown };
};

export type RequestMessage<Requests extends RequestMap<Requests>, Name extends keyof Requests = keyof Requests> = {
  readonly [Each in Name]: {
    readonly type: "request";
    readonly id: number;
    readonly name: Each;
    readonly input: Requests[Each]["input"];
  };
}[Name];

export type RequestFailure = Omit<BasinErrorDetails, "cause">;

export type ResponseMessage<Requests extends RequestMap<Requests>> =
  | { readonly type: "response"; readonly id: number; readonly output: Requests[keyof Requests]["output"] }
  | { readonly type: "request_failed"; readonly id: number; readonly failure: RequestFailure };

export type RequestHandlers<Requests extends RequestMap<Requests>> = {
  readonly [Name in keyof Requests]: (
    input: Requests[Name]["input"],
  ) => Requests[Name]["output"] | Promise<Requests[Name]["output"]>;
};

interface Pending {
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** The end that asks. Several requests may be pending at once. */
export class RequestClient<Requests extends RequestMap<Requests>> {
  readonly #post: (message: RequestMessage<Requests>) => void;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #closed: { readonly error: unknown } | null = null;

  constructor(post: (message: RequestMessage<Requests>) => void) {
    this.#post = post;
  }

  /** @throws BasinError as the handler does, or what `rejectAll` is given */
  request<Name extends keyof Requests>(name: Name, input: Requests[Name]["input"]): Promise<Requests[Name]["output"]> {
    if (this.#closed !== null) return Promise.reject(this.#closed.error);
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as (output: unknown) => void, reject });
      this.#post({ type: "request", id, name, input } as RequestMessage<Requests>);
    });
  }

  /** Settles the request that a response belongs to; one that nobody waits for any more is ignored. */
  receive(response: ResponseMessage<Requests>): void {
    const pending = this.#pending.get(response.id);
    this.#pending.delete(response.id);
    if (response.type === "response") pending?.resolve(response.output);
    else pending?.reject(new BasinError(response.failure));
  }

  /** The other end has failed: everything that is pending fails for this reason. */
  rejectAll(error: unknown): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(error);
  }

  /** The other end is gone for good: later requests fail for this reason, too. */
  close(error: unknown): void {
    this.#closed = { error };
    this.rejectAll(error);
  }
}

/** Whether a message answers a request. */
export function isResponse<Message extends { readonly type: string }>(
  message: Message,
): message is Extract<Message, { readonly type: "response" | "request_failed" }> {
  return message.type === "response" || message.type === "request_failed";
}

/**
 * The end that answers. Never throws: an error becomes a failed response.
 * @param describe the error of a handler as what / where / fix
 */
export async function respond<Requests extends RequestMap<Requests>, Name extends keyof Requests>(
  handlers: RequestHandlers<Requests>,
  { id, name, input }: RequestMessage<Requests, Name>,
  describe: (error: unknown, name: Name) => RequestFailure,
): Promise<ResponseMessage<Requests>> {
  try {
    return { type: "response", id, output: await handlers[name](input) };
  } catch (error) {
    return { type: "request_failed", id, failure: describe(error, name) };
  }
}
