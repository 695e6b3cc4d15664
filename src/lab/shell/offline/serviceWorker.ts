/**
 * @file The service worker: saves one complete, verified copy of the built site and answers requests from it.
 *
 *     install    downloads every file that is not saved yet and compares it with the SHA-256 in the manifest. If one
 *                differs, the installation fails: a half-deployed site, or a host that modifies files, is never saved
 *     wait       until the user accepts the new version and no other tab is open: no file changes during a run
 *     activate   removes the copies of earlier builds
 *     fetch      the page, its files, the bundled models (also by ranges); other requests are not handled
 *
 * One cache per build and folder, so that two sites on one origin do not interfere. If the copy is incomplete (the
 * browser cleared part of it), the page comes from the network again.
 *
 * Files are served with the page's policy as a header, because a meta tag does not apply to workers.
 */
import { sha256 } from "../../../base/sha256.ts";
import { HEADER_POLICY } from "../diagnostics/policy.ts";
import { PAGE, rangeOf, replyTo, type Reply, type SiteFile, type SiteManifest } from "./manifest.ts";
import type { InstallFailed, OfflineAnswer, OfflineCommand, OfflineStatus } from "./protocol.ts";

declare const __BASIN_VERSION__: string;
declare const __SITE_MANIFEST__: SiteManifest;
declare const self: ServiceWorkerGlobalScope;

const { build, files: list } = __SITE_MANIFEST__;
const files: ReadonlyMap<string, SiteFile> = new Map(list.map((file) => [file.path, file]));
const first = list.filter(({ save }) => save === "first");
const scope = self.registration.scope;
const prefix = `basin ${new URL(scope).pathname} `;
const cacheName = `${prefix}${build}`;

const addressOf = ({ path }: SiteFile): string => new URL(path, scope).href;
/** The page is requested by its folder: some hosts redirect /index.html to /. */
const sourceOf = (file: SiteFile): string => (file.path === PAGE ? scope : addressOf(file));

self.addEventListener("install", (event) => {
  event.waitUntil(
    install().catch(async (error: unknown) => {
      const message: InstallFailed = {
        type: "basin_install_failed",
        why: error instanceof Error ? error.message : String(error),
      };
      for (const client of await self.clients.matchAll({ includeUncontrolled: true })) client.postMessage(message);
      throw error;
    }),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      const names = await caches.keys();
      await Promise.all(
        names.filter((name) => name.startsWith(prefix) && name !== cacheName).map((name) => caches.delete(name)),
      );
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const reply = replyTo(
    { method: request.method, url: request.url, navigation: request.mode === "navigate" },
    scope,
    files,
  );
  if (reply === null) return;
  event.respondWith(answer(reply, request).catch(() => fetch(request)));
});

self.addEventListener("message", (event) => {
  // From a page of this origin; its messages have the protocol's type.
  const command = event.data as OfflineCommand;
  const port = event.ports[0];
  const say = (message: OfflineAnswer): void => port?.postMessage(message);
  event.waitUntil(
    handle(command, say).catch((error: unknown) =>
      say({ type: "failed", why: error instanceof Error ? error.message : String(error) }),
    ),
  );
});

async function handle(command: OfflineCommand, say: (message: OfflineAnswer) => void): Promise<void> {
  switch (command.type) {
    case "status":
      return say({ type: "status", status: await status() });
    case "save_all": {
      const cache = await caches.open(cacheName);
      for (const file of list) if ((await cache.match(addressOf(file))) === undefined) await save(cache, file);
      return say({ type: "status", status: await status() });
    }
    case "activate": {
      const tabs = (await self.clients.matchAll({ type: "window", includeUncontrolled: true })).filter(({ url }) =>
        url.startsWith(scope),
      ).length;
      if (tabs > 1) return say({ type: "held", tabs: tabs - 1 });
      say({ type: "activating" });
      await self.skipWaiting();
    }
  }
}

async function install(): Promise<void> {
  const cache = await caches.open(cacheName);
  const earlier = (await caches.keys()).filter((name) => name.startsWith(prefix) && name !== cacheName);
  const queue = [...first];
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      for (let file = queue.shift(); file !== undefined; file = queue.shift()) await save(cache, file, earlier);
    }),
  );
}

/** @throws Error if the host does not have the file, or has a different one under its name */
async function save(cache: Cache, file: SiteFile, earlier: readonly string[] = []): Promise<void> {
  const address = addressOf(file);
  for (const name of earlier) {
    const known = await (await caches.open(name)).match(address);
    if (known === undefined) continue;
    const bytes = await known.arrayBuffer();
    if ((await sha256(bytes)) === file.hash) return cache.put(address, response(bytes, known.headers));
  }
  // Files with a hash in their name never change; for the others, ask the host.
  const answered = await fetch(sourceOf(file), { cache: file.path.startsWith("assets/") ? "default" : "no-cache" });
  if (!answered.ok) throw new Error(`the host answers ${answered.status} for ${file.path}`);
  const bytes = await answered.arrayBuffer();
  if ((await sha256(bytes)) !== file.hash)
    throw new Error(`${file.path} differs from the build: the host modifies it, or a deployment is in progress`);
  await cache.put(address, response(bytes, answered.headers));
}

async function answer(reply: Reply, request: Request): Promise<Response> {
  if (reply.kind === "absent") return new Response(null, { status: 404, statusText: "Not Found" });
  const cache = await caches.open(cacheName);
  if (reply.kind === "page") {
    const saved = await cache.match(new URL(PAGE, scope).href);
    // An incomplete copy would serve a page with missing parts: use the network for the whole page.
    if (saved === undefined || (await cache.keys()).length < first.length) return fetch(request);
    return saved;
  }
  const { file } = reply;
  let saved = await cache.match(addressOf(file));
  if (saved === undefined) {
    await save(cache, file);
    saved = await cache.match(addressOf(file));
  }
  if (saved === undefined) return fetch(request);
  return part(saved, request, file.bytes);
}

/** The requested range, or the whole file. */
async function part(saved: Response, request: Request, size: number): Promise<Response> {
  const range = rangeOf(request.headers.get("range"), size);
  if (range === null) return request.method === "HEAD" ? new Response(null, { headers: saved.headers }) : saved;
  if (range === "unsatisfiable")
    return new Response(null, { status: 416, headers: { "content-range": `bytes */${size}` } });
  const headers = new Headers(saved.headers);
  headers.set("content-range", `bytes ${range.first}-${range.last}/${size}`);
  headers.set("content-length", String(range.last + 1 - range.first));
  return new Response((await saved.blob()).slice(range.first, range.last + 1), {
    status: 206,
    statusText: "Partial Content",
    headers,
  });
}

/** The file with the host's headers, except those of the transport, and with the page's policy. */
function response(bytes: ArrayBuffer, theirs: Headers): Response {
  const headers = new Headers(theirs);
  for (const name of ["content-encoding", "transfer-encoding", "date", "age"]) headers.delete(name);
  headers.set("content-length", String(bytes.byteLength));
  headers.set("accept-ranges", "bytes");
  if (!headers.has("content-security-policy")) headers.set("content-security-policy", HEADER_POLICY);
  return new Response(bytes, { headers });
}

async function status(): Promise<OfflineStatus> {
  const cache = await caches.open(cacheName);
  const there = new Set((await cache.keys()).map(({ url }) => url));
  const saved = list.filter((file) => there.has(addressOf(file)));
  return {
    build,
    basin: __BASIN_VERSION__,
    saved: saved.length,
    savedBytes: saved.reduce((sum, { bytes }) => sum + bytes, 0),
    later: list.filter((file) => !there.has(addressOf(file))).map(({ path, bytes }) => ({ path, bytes })),
  };
}
