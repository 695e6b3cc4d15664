/**
 * @file A local server with the interface of the Hugging Face hub, as far as reading needs it: revisions, listings in
 * pages, `resolve` with LFS files on another origin behind signed addresses, error codes, gated and private
 * repositories.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { MisbehavingServer } from "./misbehavingServer.ts";

export const COMMIT = "0123456789abcdef0123456789abcdef01234567";
export const TOKEN = "hf_testTokenOfNobody";

export interface HubRepo {
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly access: "open" | "private" | "gated";
  /** Files of at least so many bytes lie on the storage host. */
  readonly lfsFrom?: number;
}

export class HubServer {
  /** Every request to the hub: "GET /path", with its headers. */
  readonly seen: { readonly path: string; readonly headers: IncomingMessage["headers"] }[] = [];
  /** The storage of large files: another origin. */
  readonly storage: MisbehavingServer;
  /** Changes the answer to one path; return true when it was answered. */
  interfere: (path: string, response: ServerResponse) => boolean = () => false;
  base = "";
  readonly #repos: Readonly<Record<string, HubRepo>>;
  readonly #server: Server;

  private constructor(repos: Readonly<Record<string, HubRepo>>, storage: MisbehavingServer) {
    this.#repos = repos;
    this.storage = storage;
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(repos: Readonly<Record<string, HubRepo>>): Promise<HubServer> {
    const large = Object.entries(repos).flatMap(([name, repo]) =>
      Object.entries(repo.files)
        .filter(([, bytes]) => isLarge(repo, bytes))
        .map(([path, bytes]) => [`${name}/${path}`, bytes] as const),
    );
    const self = new HubServer(repos, await MisbehavingServer.start(Object.fromEntries(large), { cors: true }));
    await new Promise<void>((resolve) => self.#server.listen(0, "127.0.0.1", resolve));
    const address = self.#server.address();
    self.base = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
    return self;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await Promise.all([this.storage.stop(), new Promise((resolve) => this.#server.close(resolve))]);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "/", this.base);
    const path = decodeURIComponent(url.pathname);
    response.setHeader("access-control-allow-origin", "*");
    if (request.method === "OPTIONS")
      return void response.writeHead(204, { "access-control-allow-headers": "authorization" }).end();
    this.seen.push({ path: path + url.search, headers: request.headers });
    if (this.interfere(path, response)) return;
    const api = /^\/api\/models\/([^/]+\/[^/]+)\/(revision|tree)\/(.+)$/.exec(path);
    const file = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(path);
    const repo = this.#repos[api?.[1] ?? file?.[1] ?? ""];
    const authorised = request.headers.authorization === `Bearer ${TOKEN}`;
    if (repo === undefined || (repo.access === "private" && !authorised))
      return fail(response, authorised ? 404 : 401, authorised ? "RepoNotFound" : "", "Repository not found");
    const name = api?.[1] ?? file?.[1] ?? "";
    const revision = api?.[3] ?? file?.[2] ?? "";
    if (!["main", "v1", COMMIT].includes(revision))
      return fail(response, 404, "RevisionNotFound", `Invalid rev id: ${revision}`);
    if (api?.[2] === "revision")
      return json(response, {
        _id: "1",
        id: name,
        sha: COMMIT,
        private: false,
        gated: false,
        downloads: 0,
        likes: 0,
        lastModified: "2026-01-01T00:00:00.000Z",
        siblings: [],
      });
    if (api?.[2] === "tree") return this.#tree(response, repo, url);
    // As the hub does: the listing of a gated repository is public, its files are not.
    if (repo.access === "gated" && !authorised)
      return fail(response, 401, "GatedRepo", "Access to model is restricted");
    this.#resolve(request, response, name, repo, file?.[3] ?? "");
  }

  /** Two files a page, the next page in the Link header. */
  #tree(response: ServerResponse, repo: HubRepo, url: URL): void {
    const from = Number(url.searchParams.get("cursor") ?? 0);
    const entries = Object.entries(repo.files).map(([path, bytes]) => ({
      type: "file",
      path,
      size: bytes.byteLength,
      oid: createHash("sha1").update(`blob ${bytes.byteLength}\0`).update(bytes).digest("hex"),
      ...(isLarge(repo, bytes)
        ? {
            lfs: { oid: createHash("sha256").update(bytes).digest("hex"), size: bytes.byteLength, pointerSize: 134 },
            xetHash: "ab",
          }
        : {}),
    }));
    const all = [{ type: "directory", path: "onnx", size: 0, oid: "0" }, ...entries];
    const next = new URL(url);
    next.searchParams.set("cursor", String(from + 2));
    json(response, all.slice(from, from + 2), from + 2 < all.length ? { link: `<${next.href}>; rel="next"` } : {});
  }

  #resolve(request: IncomingMessage, response: ServerResponse, name: string, repo: HubRepo, path: string): void {
    const bytes = repo.files[path];
    if (bytes === undefined) return fail(response, 404, "EntryNotFound", "Entry not found");
    if (isLarge(repo, bytes))
      return void response
        .writeHead(302, {
          location: `${this.storage.base}/${name}/${path}?signature=secret`,
          "x-linked-size": bytes.byteLength,
          "x-repo-commit": COMMIT,
        })
        .end();
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    const [start, end] = [Number(from ?? 0), Math.min(Number(to ?? Infinity) + 1, bytes.byteLength)];
    response
      .writeHead(206, { "content-range": `bytes ${start}-${end - 1}/${bytes.byteLength}`, etag: '"abc"' })
      .end(bytes.subarray(start, end));
  }
}

function isLarge({ lfsFrom = 1000 }: HubRepo, bytes: Uint8Array): boolean {
  return bytes.byteLength >= lfsFrom;
}

function json(response: ServerResponse, value: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(200, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));
}

function fail(response: ServerResponse, status: number, code: string, message: string): void {
  response
    .writeHead(status, {
      "content-type": "application/json",
      ...(code === "" ? {} : { "x-error-code": code, "x-error-message": message }),
    })
    .end(JSON.stringify({ error: message }));
}
