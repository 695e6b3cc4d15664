/** @file Reading over HTTP, against a local server that behaves and misbehaves as asked. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openCheckpoint, readTensorF32 } from "../../src/weights/checkpoint.ts";
import { urlSource } from "../../src/weights/urlSource.ts";
import { files, rejection } from "./support.ts";

const MIB = 2 ** 20;
/** Tries without long pauses. */
const FAST = { retry: { baseMs: 1, attempts: 3 } } as const;
const small: Record<string, Uint8Array> = files();
/** 20 MiB, whose byte at i is i mod 251. Above the bound for whole files. */
const large = new Uint8Array(20 * MIB).map((_, i) => i % 251);

type Manner = "ranges" | "ignoring" | "ignoring-huge" | "cut" | "no-content-range" | "too-much" | "page" | number;
let manner: Manner = "ranges";
let requests: string[] = [];

function answer(request: IncomingMessage, response: ServerResponse): void {
  const path = decodeURIComponent(new URL(request.url ?? "/", "http://host").pathname).replace("/models/m/", "");
  requests.push(`${path} ${request.headers.range ?? ""}`);
  if (typeof manner === "number") return void response.writeHead(manner).end("no");
  const body = path === "large.bin" ? large : small[path];
  if (body === undefined) {
    if (manner === "page") return void response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html>");
    return void response.writeHead(404).end();
  }
  if (manner === "ignoring-huge") {
    response.writeHead(200, { "content-length": 65 * MIB });
    response.write(body);
    return;
  }
  if (manner === "ignoring") return void response.writeHead(200, { "content-length": body.byteLength }).end(body);
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
  const [start, end] = [Number(from), Math.min(Number(to) + 1, body.byteLength)];
  if (start >= body.byteLength) return void response.writeHead(416).end();
  const range =
    manner === "no-content-range" ? {} : { "content-range": `bytes ${start}-${end - 1}/${body.byteLength}` };
  const part = body.subarray(start, end + (manner === "too-much" ? 10 : 0));
  if (manner === "cut" && start > 0) {
    response.writeHead(206, { ...range, "content-length": part.byteLength });
    response.write(part.subarray(0, part.byteLength / 2), () => response.destroy());
    return;
  }
  response.writeHead(206, range).end(part);
}

const server = createServer(answer);
let base = "";
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  base = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/models/m`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  manner = "ranges";
  requests = [];
});

describe("a server with ranges", () => {
  it("serves a checkpoint; a small file takes one request", async () => {
    const checkpoint = await openCheckpoint(urlSource(base, FAST));
    expect(await readTensorF32(checkpoint, "half")).toEqual(new Float32Array([1, -2, 0.5, 3]));
    expect(await readTensorF32(checkpoint, "norm")).toEqual(new Float32Array([1.5, 2.5, -3.5]));
    expect(requests.map((request) => request.split(" ")[0])).toEqual(["config.json", "model.safetensors"]);
  });

  it("sends only the requested part of a large file", async () => {
    const source = urlSource(`${base}/`, FAST);
    expect(await source.size("large.bin")).toBe(large.byteLength);
    const bytes = await source.read("large.bin", 17 * MIB + 3, 17 * MIB + 1003);
    expect(bytes).toEqual(large.slice(17 * MIB + 3, 17 * MIB + 1003));
    expect(requests.at(-1)).toBe(`large.bin bytes=${17 * MIB + 3}-${17 * MIB + 1002}`);
    expect((await rejection(source.read("large.bin", 20 * MIB - 1, 20 * MIB + 1))).what).toContain("ended early");
  });

  it("returns arrays that own their buffers", async () => {
    const source = urlSource(base, FAST);
    const first = await source.read("config.json", 0, 5);
    expect(first.buffer.byteLength).toBe(5);
    structuredClone(first, { transfer: [first.buffer] });
    expect((await source.read("config.json", 0, 5)).byteLength).toBe(5);
  });

  it("reports a missing file", async () => {
    const source = urlSource(base, { ...FAST, name: "the mirror" });
    expect(await source.has("absent.json")).toBe(false);
    const error = await rejection(source.size("absent.json"));
    expect([error.what, error.where]).toEqual(["There is no file absent.json", "the mirror"]);
    manner = "page"; // a development server answers every path with its page
    expect(await urlSource(base, FAST).has("absent.json")).toBe(false);
  });

  it("keeps a query string and encodes names", async () => {
    await urlSource(`${base}?token=1`, FAST).has("a b#c.json");
    expect(requests).toEqual([`a b#c.json bytes=0-65535`]);
  });
});

describe("a server without ranges", () => {
  it("serves small files whole", async () => {
    manner = "ignoring";
    const checkpoint = await openCheckpoint(urlSource(base, FAST));
    expect(await readTensorF32(checkpoint, "norm")).toEqual(new Float32Array([1.5, 2.5, -3.5]));
    const source = urlSource(base, FAST);
    expect(await source.read("large.bin", 5 * MIB - 2, 5 * MIB + 2)).toEqual(large.slice(5 * MIB - 2, 5 * MIB + 2));
    expect(requests.filter((request) => request.startsWith("large"))).toHaveLength(1);
  });

  it("is refused for large files, with what to do", async () => {
    manner = "ignoring-huge";
    const error = await rejection(urlSource(base, FAST).size("large.bin"));
    expect(error.what).toContain("ignores range requests");
    expect(error.fix).toContain("local folder");
  });
});

describe("a server that misbehaves", () => {
  it.each([
    [401, /login/],
    [403, /not public/],
    [429, /Wait/],
    [503, /again later/],
  ])("with status %i is told apart", async (status, fix) => {
    manner = status;
    const error = await rejection(urlSource(base, FAST).has("config.json"));
    expect(error.what).toContain(String(status));
    expect(error.fix).toMatch(fix);
  });

  it("can be retried after a failure", async () => {
    const source = urlSource(base, FAST);
    manner = 503;
    await rejection(source.has("config.json"));
    manner = "ranges";
    expect(await source.has("config.json")).toBe(true);
  });

  it("is reported when it cuts the connection, sends too much or hides the length", async () => {
    const source = urlSource(base, FAST);
    await source.size("large.bin");
    manner = "cut";
    expect((await rejection(source.read("large.bin", MIB, 2 * MIB))).what).toContain("connection broke");
    manner = "too-much";
    expect((await rejection(source.read("large.bin", MIB, 2 * MIB))).what).toContain("more than the 1048576 bytes");
    manner = "no-content-range";
    expect((await rejection(urlSource(base, FAST).size("large.bin"))).fix).toContain("Access-Control-Expose-Headers");
  });

  it("is reported when it does not answer at all", async () => {
    const error = await rejection(urlSource("http://127.0.0.1:9/none", FAST).has("config.json"));
    expect(error.what).toContain("request failed");
    expect(error.where).toBe("http://127.0.0.1:9/none: config.json");
  });

  it("can be cancelled", async () => {
    const abort = new AbortController();
    abort.abort();
    await expect(urlSource(base, FAST).has("config.json", abort.signal)).rejects.toMatchObject({ name: "AbortError" });
  });
});
