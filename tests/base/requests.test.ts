/** @file Requests to a worker: each gets its own answer, and a worker that fails leaves nobody waiting. */
import { describe, expect, it } from "vitest";
import { BasinError } from "../../src/base/error.ts";
import {
  isResponse,
  RequestClient,
  respond,
  type RequestHandlers,
  type RequestMessage,
} from "../../src/base/requests.ts";

interface Requests {
  readonly double: { input: { readonly value: number }; output: number };
  readonly shout: { input: { readonly text: string }; output: string };
}

const handlers: RequestHandlers<Requests> = {
  double: ({ value }) => {
    if (value < 0) throw new BasinError({ what: "It is negative", where: `value ${value}`, fix: "Give 0 or more." });
    return 2 * value;
  },
  shout: async ({ text }) => {
    if (text === "") throw new Error("nothing to shout");
    return text.toUpperCase();
  },
};
const describeError = (error: unknown, name: keyof Requests) =>
  error instanceof BasinError ? error : { what: String(error), where: name, fix: "Report it." };

/** A client whose messages are kept until the test answers them. */
function setUp() {
  const sent: RequestMessage<Requests>[] = [];
  const client = new RequestClient<Requests>((message) => sent.push(message));
  const answer = async (i: number): Promise<void> => {
    const message = sent[i];
    if (message === undefined) throw new Error(`no message ${i}`);
    client.receive(await respond(handlers, message, describeError));
  };
  return { client, sent, answer };
}

describe("a request", () => {
  it("gets its own answer, whatever comes in between", async () => {
    const { client, answer } = setUp();
    const first = client.request("double", { value: 4 });
    const second = client.request("shout", { text: "hello" });
    await answer(1);
    await answer(0);
    expect([await first, await second]).toEqual([8, "HELLO"]);
  });

  it("fails as its handler does, and what is no BasinError is described", async () => {
    const { client, answer } = setUp();
    const negative = client.request("double", { value: -1 });
    const empty = client.request("shout", { text: "" });
    await Promise.all([answer(0), answer(1)]);
    await expect(negative).rejects.toMatchObject({ what: "It is negative", where: "value -1", fix: "Give 0 or more." });
    await expect(empty).rejects.toMatchObject({ what: "Error: nothing to shout", where: "shout" });
  });

  it("is rejected when the worker fails; a later answer is ignored, and later requests are sent", async () => {
    const { client, sent, answer } = setUp();
    const pending = client.request("double", { value: 1 });
    client.rejectAll(new Error("the worker failed"));
    await expect(pending).rejects.toThrow("the worker failed");
    await answer(0);
    const next = client.request("double", { value: 2 });
    await answer(1);
    expect(await next).toBe(4);
    expect(sent).toHaveLength(2);
  });

  it("is rejected at once when the worker is gone for good", async () => {
    const { client, sent } = setUp();
    const pending = client.request("double", { value: 1 });
    client.close(new Error("it could not be started"));
    await expect(pending).rejects.toThrow("could not be started");
    await expect(client.request("double", { value: 2 })).rejects.toThrow("could not be started");
    expect(sent).toHaveLength(1);
  });

  it("is told from other messages by its answer's type", () => {
    expect(["response", "request_failed", "step"].map((type) => isResponse({ type }))).toEqual([true, true, false]);
  });
});
