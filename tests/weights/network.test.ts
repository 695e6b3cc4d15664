/** @file Reading from a server that misbehaves: each way is either mended or told with what to do. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { openCheckpoint, readTensorF32 } from "../../src/weights/checkpoint.ts";
import { fromFloat32 } from "../../src/weights/dtypes.ts";
import { MAX_REQUESTS } from "../../src/weights/readAhead.ts";
import { urlSource, type UrlSource, type UrlSourceOptions } from "../../src/weights/urlSource.ts";
import { MisbehavingServer, type Manner } from "./misbehavingServer.ts";
import { expectSame, files, rejection } from "./support.ts";

const MIB = 2 ** 20;
const large = new Uint8Array(5 * MIB).map((_, i) => i % 251);
const ramp = new Float32Array(7 * MIB).map((_, i) => i % 1021); // 28 MiB: 7 pieces
const model = files([
  { name: "a", dtype: "F32", shape: [ramp.length], bytes: fromFloat32(ramp, "F32") },
  ...Array.from({ length: 40 }, (_, i) => ({
    name: `small.${i}`,
    dtype: "F32" as const,
    shape: [1000],
    bytes: fromFloat32(new Float32Array(1000).fill(i), "F32"),
  })),
]);

let server: MisbehavingServer;
let other: MisbehavingServer;
beforeAll(async () => {
  const content = { ...model, "large.bin": large };
  server = await MisbehavingServer.start(content);
  other = await MisbehavingServer.start(content);
});
afterAll(() => Promise.all([server.stop(), other.stop()]));
afterEach(() => {
  server.reset();
  other.reset();
});

function source(retry: UrlSourceOptions["retry"] = {}): UrlSource {
  return urlSource(server.base, { retry: { baseMs: 2, attempts: 4, ...retry } });
}

/** The manner of the requests after the first, which finds out about the file. */
function afterFirst(manner: (n: number) => Manner): (_: unknown, n: number) => Manner {
  return (_, n) => (n === 0 ? { kind: "well" } : manner(n - 1));
}
const always = (manner: Manner) => (): Manner => manner;
const WELL: Manner = { kind: "well" };
const [FROM, TO] = [MIB, 3 * MIB];

describe("a connection that breaks", () => {
  it("resumes at the byte that it got to", async () => {
    server.reset(afterFirst((n) => (n < 5 ? { kind: "cut", after: 300_000 } : WELL)));
    expectSame(await source().read("large.bin", FROM, TO), large.slice(FROM, TO));
    const starts = server.seen.slice(1).map(({ range }) => range?.[0] ?? 0);
    // Each asks only for what is missing: more tries than are allowed in a row, since each brought something.
    expect(starts).toHaveLength(6);
    for (const [i, start] of starts.entries()) expect(start).toBe(i === 0 ? FROM : Math.min(start, FROM + i * 300_000));
    expect(starts.at(-1)).toBeGreaterThan(FROM + 4 * 300_000);
    expect(server.bytesSent).toBeLessThan(65536 + 2 * MIB + 1000);
  });

  it("fails after several tries without a byte, and says at which byte", async () => {
    server.reset(afterFirst((n) => ({ kind: "cut", after: n === 0 ? 100_000 : 0 })));
    const error = await rejection(source().read("large.bin", FROM, TO));
    expect(error.what).toMatch(/broke 4 times in a row at byte 1148576/);
    expect(error.fix).toMatch(/local folder/);
    expect(server.seen).toHaveLength(1 + 1 + 3);
  });

  it("counts as broken when no byte arrives for too long", async () => {
    server.reset(afterFirst((n) => (n === 0 ? { kind: "stall", after: 100_000 } : WELL)));
    expectSame(await source({ stallMs: 100 }).read("large.bin", FROM, TO), large.slice(FROM, TO));
    server.reset(always({ kind: "stall", after: 0 }));
    expect((await rejection(source({ stallMs: 50, attempts: 2 }).read("large.bin", FROM, TO))).what).toMatch(
      /nothing came/,
    );
  });

  it("can be cancelled, between two tries as well", async () => {
    const abort = new AbortController();
    server.reset(afterFirst(() => ({ kind: "stall", after: 1000 })));
    const stalled = source()
      .read("large.bin", FROM, TO, abort.signal)
      .catch((cause: unknown) => cause);
    await expect.poll(() => server.seen.length).toBe(2);
    abort.abort();
    expect(await stalled).toMatchObject({ name: "AbortError" });
    const second = new AbortController();
    server.reset(always({ kind: "status", status: 503, headers: { "retry-after": "60" } }));
    const waiting = source()
      .read("large.bin", FROM, TO, second.signal)
      .catch((cause: unknown) => cause);
    await expect.poll(() => server.seen.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    second.abort();
    expect(await waiting).toMatchObject({ name: "AbortError" });
    expect(server.seen).toHaveLength(1);
  });
});

describe("statuses", () => {
  it.each([500, 502, 503, 504, 429, 408])("%i is retried with growing pauses", async (status) => {
    server.reset((_, n) => (n < 3 ? { kind: "status", status } : WELL));
    expect(await source({ baseMs: 20 }).size("large.bin")).toBe(large.byteLength);
    const pauses = server.seen.slice(1).map(({ at }, i) => at - (server.seen[i]?.at ?? 0));
    // Full jitter: between half of and the whole of 20, 40, 80 ms.
    for (const [i, pause] of pauses.entries()) expect(pause).toBeGreaterThan(10 * 2 ** i - 2);
  });

  it("Retry-After holds back every request of the source; too long a wait is an error", async () => {
    server.reset((_, n) => (n === 0 ? { kind: "status", status: 429, headers: { "retry-after": "1" } } : WELL));
    const reader = source();
    const first = reader.size("large.bin");
    await new Promise((resolve) => setTimeout(resolve, 100));
    await Promise.all([first, reader.size("config.json")]);
    expect(server.seen.slice(1).every(({ at }) => at - (server.seen[0]?.at ?? 0) >= 990)).toBe(true);
    server.reset(always({ kind: "status", status: 429, headers: { "retry-after": "3600" } }));
    const error = await rejection(source().size("large.bin"));
    expect(server.seen).toHaveLength(1);
    expect(error.fix).toMatch(/Wait 60 minutes, as the server asks/);
  });

  it.each([
    [401, /wants a login/],
    [403, /expired, or they are not public/],
    [416, /shorter than it said/],
    [429, /Too many requests/],
    [500, /problem of its own/],
    [503, /problem of its own/],
  ])("%i in the middle is told with what to do", async (status, fix) => {
    server.reset(afterFirst(() => ({ kind: "status", status })));
    const error = await rejection(source({ attempts: 2 }).read("large.bin", FROM, TO));
    expect(error.what).toContain(String(status));
    expect(error.where).toBe(`${server.base}: large.bin`);
    expect(error.fix).toMatch(fix);
  });

  it("404 means a missing file at first, and a removed one in the middle", async () => {
    expect(await source().has("absent.bin")).toBe(false);
    server.reset(afterFirst(() => ({ kind: "status", status: 404 })));
    expect((await rejection(source().read("large.bin", FROM, TO))).fix).toMatch(/Check the address/);
  });

  it("a redirect to another server is followed, for each range", async () => {
    server.reset(always({ kind: "redirect", to: other.base }));
    expectSame(await source().read("large.bin", FROM, TO), large.slice(FROM, TO));
    expect(server.seen).toHaveLength(2);
    expect(other.seen.map(({ range }) => range)).toEqual(server.seen.map(({ range }) => range));
  });

  it("an unreachable server is reported soon, with the reason", async () => {
    const error = await rejection(urlSource("http://127.0.0.1:1", { retry: { baseMs: 2, attempts: 10 } }).size("x"));
    expect(error.what).toMatch(/The request failed/);
    expect(error.fix).toMatch(/CORS/);
  });
});

describe("lengths and ranges", () => {
  it("a short answer is completed", async () => {
    server.reset(afterFirst((n) => ({ kind: "length", by: n < 3 ? -400_000 : 0 })));
    expectSame(await source().read("large.bin", FROM, TO), large.slice(FROM, TO));
    expect(server.seen.slice(1).map(({ range }) => range?.[0])).toEqual(
      [FROM, TO - 400_000, TO - 400_000, TO - 400_000].slice(0, server.seen.length - 1),
    );
  });

  it("an answer that is too long is refused", async () => {
    server.reset(afterFirst(() => ({ kind: "length", by: 10 })));
    expect((await rejection(source().read("large.bin", FROM, TO))).what).toMatch(/more than the 2097152 bytes/);
    server.reset(always({ kind: "length", by: 10 }));
    expect((await rejection(source().read("large.bin", FROM, TO))).what).toMatch(/more than/);
  });

  it.each<[string, (start: number, end: number, size: number) => string, RegExp]>([
    [
      "another range",
      (start, end, size) => `bytes ${start - 1}-${end - 2}/${size}`,
      /was asked for bytes 1048576-3145727 and says that it sends 1048575-/,
    ],
    ["more than asked for", (start, end, size) => `bytes ${start}-${end}/${size}`, /says that it sends/],
    [
      "another length of the file",
      (start, end, size) => `bytes ${start}-${end - 1}/${size + 1}`,
      /changed while it was read: it had 5242880 bytes and has 5242881/,
    ],
  ])("a Content-Range with %s is refused", async (_, value, what) => {
    server.reset(afterFirst(() => ({ kind: "contentRange", value })));
    const error = await rejection(source().read("large.bin", FROM, TO));
    expect(error.what).toMatch(what);
    expect(server.seen).toHaveLength(2);
  });

  it("a changed ETag is a changed file; a strong one is the file's version", async () => {
    let etag = '"one"';
    const changing = await MisbehavingServer.start(
      { "large.bin": large },
      { headers: () => ({ etag, "last-modified": "Wed, 21 Oct 2015 07:28:00 GMT" }) },
    );
    try {
      const reader = urlSource(changing.base);
      expect(await reader.version?.("large.bin")).toEqual({ size: large.byteLength, tag: 'etag "one"' });
      etag = 'W/"two"';
      expect((await rejection(reader.read("large.bin", FROM, TO))).what).toMatch(/ETag/);
      expect((await urlSource(changing.base).version?.("large.bin"))?.tag).toBe(
        "modified Wed, 21 Oct 2015 07:28:00 GMT",
      );
      expect(await urlSource(server.base).version?.("large.bin")).toBeNull();
    } finally {
      await changing.stop();
    }
  });

  it("a hidden Content-Range is replaced by HEAD, or reported", async () => {
    server.reset(always({ kind: "hideRange" }));
    expectSame(await source().read("large.bin", FROM, TO), large.slice(FROM, TO));
    server.reset(always({ kind: "hideRange", alsoHead: true }));
    expect((await rejection(source().size("large.bin"))).fix).toMatch(/Access-Control-Expose-Headers/);
  });

  it("a server that stops serving ranges half way is reported", async () => {
    server.reset(afterFirst(() => ({ kind: "ignoreRange" })));
    expect((await rejection(source().read("large.bin", FROM, TO))).what).toMatch(/200 and not with 206/);
  });
});

describe("a checkpoint over the network", () => {
  it("is read with several ranges at a time, across tensors, in order", async () => {
    const slow = await MisbehavingServer.start(model, { delayMs: 15 });
    try {
      const checkpoint = await openCheckpoint(urlSource(slow.base));
      slow.reset();
      const names = ["a", ...Array.from({ length: 40 }, (_, i) => `small.${i}`)];
      checkpoint.prefetch?.(names);
      expectSame(await readTensorF32(checkpoint, "a"), ramp);
      for (let i = 0; i < 40; i += 1) expect((await readTensorF32(checkpoint, `small.${i}`))[999]).toBe(i);
      expect(slow.mostOpen).toBe(MAX_REQUESTS);
      expect(slow.seen).toHaveLength(47);
      expect(slow.bytesSent).toBe(28 * MIB + 40 * 4000);
    } finally {
      await slow.stop();
    }
  });

  it("survives a server that breaks every third connection", async () => {
    server.reset((_, n) => (n > 2 && n % 3 === 0 ? { kind: "cut", after: 1_000_000 } : WELL));
    const checkpoint = await openCheckpoint(source());
    checkpoint.prefetch?.(["a", "small.7"]);
    expectSame(await readTensorF32(checkpoint, "a"), ramp);
    expect((await readTensorF32(checkpoint, "small.7"))[0]).toBe(7);
  });

  it("reads the same bytes in any order, with any prefetch", async () => {
    const checkpoint = await openCheckpoint(source());
    checkpoint.prefetch?.(["small.1", "small.2", "missing", "small.3", "a"]);
    expect((await readTensorF32(checkpoint, "small.2"))[0]).toBe(2); // skips small.1
    expect((await readTensorF32(checkpoint, "small.1"))[0]).toBe(1); // which is then read by itself
    const [a, three] = await Promise.all([readTensorF32(checkpoint, "a"), readTensorF32(checkpoint, "small.3")]);
    expectSame(a, ramp);
    expect(three[0]).toBe(3);
    checkpoint.prefetch?.([]);
    expect((await readTensorF32(checkpoint, "small.9"))[0]).toBe(9);
  });

  it("stops asking when it is cancelled", async () => {
    const checkpoint = await openCheckpoint(source());
    const abort = new AbortController();
    server.reset(always({ kind: "stall", after: 1000 }));
    checkpoint.prefetch?.(["a"], abort.signal);
    const reading = readTensorF32(checkpoint, "a", abort.signal).catch((cause: unknown) => cause);
    await expect.poll(() => server.seen.length).toBe(MAX_REQUESTS);
    abort.abort();
    expect(await reading).toMatchObject({ name: "AbortError" });
    await expect.poll(() => server.open).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(server.seen).toHaveLength(MAX_REQUESTS);
    server.reset();
    expectSame(await readTensorF32(checkpoint, "a"), ramp);
  });
});
