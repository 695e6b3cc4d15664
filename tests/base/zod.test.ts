/** @file zod must not try `new Function`: the Content-Security-Policy forbids it, and browsers report the try. */
import { expect, it } from "vitest";
import { z } from "../../src/base/zod.ts";
import { specSchema } from "../../src/experiment/spec/specSchema.ts";

it("schemas parse without compiling a parser", () => {
  const { Function: original } = globalThis;
  let tries = 0;
  globalThis.Function = new Proxy(original, {
    construct: (target, args) => {
      tries += 1;
      return Reflect.construct(target, args) as object;
    },
  });
  try {
    expect(z.strictObject({ a: z.number() }).parse({ a: 1 })).toEqual({ a: 1 });
    expect(specSchema.safeParse({}).success).toBe(true);
  } finally {
    globalThis.Function = original;
  }
  expect(tries).toBe(0);
  expect(z.config().jitless).toBe(true);
});
