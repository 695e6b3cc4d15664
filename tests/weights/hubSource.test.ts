/** @file Reading from the Hugging Face hub, against a local server with its interface. */
import { createHash } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { openCheckpoint, readTensorF32 } from "../../src/weights/checkpoint.ts";
import { fromFloat32 } from "../../src/weights/dtypes.ts";
import { hubSource, type HubSource, type HubSourceOptions } from "../../src/weights/hubSource.ts";
import { COMMIT, HubServer, TOKEN } from "./hubServer.ts";
import { expectSame, files, rejection } from "./support.ts";

const ramp = new Float32Array(300_000).map((_, i) => i % 1021);
const model = files([{ name: "w", dtype: "F32", shape: [ramp.length], bytes: fromFloat32(ramp, "F32") }]);
const weights = model["model.safetensors"] ?? new Uint8Array();

let hub: HubServer;
beforeAll(async () => {
  hub = await HubServer.start({
    "lab/open": { files: { ...model, "onnx/other file.bin": new Uint8Array(5) }, access: "open" },
    "lab/private": { files: model, access: "private" },
    "lab/gated": { files: model, access: "gated" },
  });
});
afterAll(() => hub.stop());
afterEach(() => {
  hub.seen.length = 0;
  hub.interfere = () => false;
  hub.storage.reset();
});

function source(repo: string, options: Partial<HubSourceOptions> = {}): HubSource {
  return hubSource({ repo, hubUrl: hub.base, http: { retry: { baseMs: 1, attempts: 3 } }, ...options });
}

describe("a repository of the hub", () => {
  it("reads like a folder, all files at the commit that the revision first resolved to", async () => {
    const checkpoint = await openCheckpoint(source("lab/open", { revision: "v1" }));
    expect(checkpoint.name).toBe("lab/open@v1");
    expectSame(await readTensorF32(checkpoint, "w"), ramp);
    const asked = hub.seen.map(({ path }) => path);
    expect(asked.filter((path) => path.includes("/v1"))).toHaveLength(1);
    expect(asked[0]).toMatch(/^\/api\/models\/lab\/open\/revision\/v1/);
    expect(asked.slice(1).every((path) => path.includes(COMMIT))).toBe(true);
  });

  it("knows names, lengths and hashes from the listing alone", async () => {
    const repo = source("lab/open");
    expect(await repo.has("config.json")).toBe(true);
    expect(await repo.has("pytorch_model.bin")).toBe(false);
    expect(await repo.has("onnx")).toBe(false);
    expect(await repo.size("model.safetensors")).toBe(weights.byteLength);
    expect(await repo.version?.("model.safetensors")).toEqual({
      size: weights.byteLength,
      tag: `sha256 ${createHash("sha256").update(weights).digest("hex")}`,
    });
    expect((await repo.version?.("config.json"))?.tag).toMatch(/^git [0-9a-f]{40}$/);
    expect(await repo.read("onnx/other file.bin", 1, 5)).toEqual(new Uint8Array(4));
    // One for the revision, two pages of the listing, one for the bytes.
    expect(hub.seen).toHaveLength(4);
    expect((await rejection(repo.size("absent.json"))).what).toBe("There is no file absent.json");
  });

  it("starts from an earlier listing without a request", async () => {
    const listing = await source("lab/open").listing();
    expect(JSON.parse(JSON.stringify(listing))).toEqual(listing);
    hub.seen.length = 0;
    const again = source("lab/open", { listing });
    expect(await again.size("config.json")).toBe(model["config.json"]?.byteLength);
    expect(hub.seen).toHaveLength(0);
  });

  it("sends the token to the hub only: the storage host never sees it", async () => {
    const checkpoint = await openCheckpoint(source("lab/private", { token: TOKEN }));
    expectSame(await readTensorF32(checkpoint, "w"), ramp);
    expect(hub.seen.every(({ headers }) => headers.authorization === `Bearer ${TOKEN}`)).toBe(true);
    expect(hub.storage.seen.length).toBeGreaterThan(0);
    expect(hub.storage.seen.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });

  it("retries when the hub or the storage fails for a moment", async () => {
    let failures = 2;
    hub.interfere = (path, response) => {
      if (!path.includes("/tree/") || failures === 0) return false;
      failures -= 1;
      if (failures === 1) response.writeHead(503).end();
      else response.writeHead(200, { "content-length": 1000 }).write("[{", () => response.destroy());
      return true;
    };
    hub.storage.reset((_, n) => (n === 1 ? { kind: "cut", after: 100_000 } : { kind: "well" }));
    const checkpoint = await openCheckpoint(source("lab/open"));
    expectSame(await readTensorF32(checkpoint, "w"), ramp);
    expect(failures).toBe(0);
  });

  it("reports a file whose length differs from the listing", async () => {
    hub.storage.reset(() => ({
      kind: "contentRange",
      value: (start, end, size) => `bytes ${start}-${end - 1}/${size + 1}`,
    }));
    expect((await rejection(source("lab/open").read("model.safetensors", 0, 8))).what).toMatch(
      /changed while it was read/,
    );
  });
});

describe("what the hub refuses", () => {
  it.each([
    ["lab/absent", {}, /no repository lab\/absent/, /Check the name.*access token/],
    ["lab/private", {}, /no repository lab\/private/, /access token/],
    ["lab/private", { token: "hf_wrong" }, /no repository/, /token is valid/],
    ["lab/open", { revision: "v9" }, /no revision "v9"/, /branch, tag or commit/],
  ] as const)("%s %o", async (repo, options, what, fix) => {
    const error = await rejection(openCheckpoint(source(repo, options)));
    expect(error.what).toMatch(what);
    expect(error.fix).toMatch(fix);
  });

  it("a gated model asks for consent", async () => {
    const error = await rejection(openCheckpoint(source("lab/gated")));
    expect(error.what).toContain("401");
    expect(error.fix).toContain(`${hub.base}/lab/gated, accept its conditions`);
    await openCheckpoint(source("lab/gated", { token: TOKEN }));
  });

  it("a server that is not the hub is reported, and so is a listing that leads elsewhere", async () => {
    hub.interfere = (_, response) => (
      response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html>"), true
    );
    expect((await rejection(source("lab/open").has("config.json"))).fix).toMatch(/proxy or a login page/);
    hub.interfere = (path, response) => {
      if (!path.includes("/tree/")) return false;
      response
        .writeHead(200, { "content-type": "application/json", link: '<http://127.0.0.1:9/steal>; rel="next"' })
        .end("[]");
      return true;
    };
    expect((await rejection(source("lab/open", { token: TOKEN }).has("config.json"))).what).toMatch(/another address/);
  });

  it("malformed names, URLs and tokens are refused without showing the token", async () => {
    expect(() => source("justaname")).toThrow("owner/name");
    expect(() => source("a/b", { hubUrl: "nowhere" })).toThrow("malformed");
    expect(() => source("a/b", { hubUrl: "http://mirror.example", token: TOKEN })).toThrow("unprotected");
    for (const token of ["secret-thing", "hf_with\nnewline", "hf_übel"]) {
      try {
        source("a/b", { token });
        expect.unreachable();
      } catch (error) {
        expect(String(error)).toContain("does not look like one");
        expect(String(error)).not.toContain(token);
      }
    }
  });

  it("no error contains the token", async () => {
    hub.storage.reset(() => ({ kind: "status", status: 403 }));
    const works = [
      () => source("lab/absent", { token: TOKEN }).has("x"),
      () => source("lab/open", { token: TOKEN }).read("model.safetensors", 0, 9),
      () => source("lab/open", { token: TOKEN, hubUrl: "http://127.0.0.1:9" }).has("x"),
    ];
    for (const work of works) {
      const error = await rejection(work());
      expect(`${String(error)} ${String(error.cause)} ${error.stack ?? ""}`).not.toContain(TOKEN);
    }
  });
});
