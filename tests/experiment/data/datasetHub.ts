/** @file A local server with as much of the hub's interface as reading a dataset takes; it counts what it sends. */
import { createServer, type Server, type ServerResponse } from "node:http";

/** Files by revision: "main", "refs/convert/parquet", … */
export type DatasetRevisions = Readonly<Record<string, Readonly<Record<string, Uint8Array>>>>;

export class DatasetHub {
  base = "";
  /** Bytes of files that were sent. */
  sent = 0;
  readonly #server: Server;

  constructor(datasets: Readonly<Record<string, DatasetRevisions>>) {
    this.#server = createServer((request, response) => {
      // As the hub does for pages of other origins.
      response.setHeader("access-control-allow-origin", "*");
      response.setHeader("access-control-allow-headers", "*");
      response.setHeader("access-control-expose-headers", "content-range, x-error-code, link");
      if (request.method === "OPTIONS") return void response.writeHead(204).end();
      const url = new URL(request.url ?? "/", "http://hub");
      const [, api, repo = "", verb, rest = ""] =
        /^\/(api\/)?datasets\/([^/]+\/[^/]+|[^/]+)\/(revision|tree|resolve)\/(.+)$/.exec(url.pathname) ?? [];
      const dataset = datasets[repo];
      if (dataset === undefined) return fail(response, 401, "");
      if (api !== undefined && verb === "revision") {
        const revision = decodeURIComponent(rest);
        const index = Object.keys(dataset).indexOf(revision);
        return index < 0
          ? fail(response, 404, "RevisionNotFound")
          : json(response, {
              _id: "1",
              id: repo,
              sha: commit(index),
              private: false,
              gated: false,
              downloads: 0,
              likes: 0,
              lastModified: "2026-01-01T00:00:00.000Z",
            });
      }
      const [id = "", ...path] = rest.split("/").map(decodeURIComponent);
      const files = Object.values(dataset)[Number.parseInt(id, 16)] ?? {};
      if (verb === "tree")
        return json(
          response,
          Object.entries(files).map(([name, bytes]) => ({
            type: "file",
            path: name,
            size: bytes.byteLength,
            oid: commit(1),
          })),
        );
      const bytes = files[path.join("/")];
      if (bytes === undefined) return fail(response, 404, "EntryNotFound");
      const [, from = "0", to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
      const end = to === undefined || to === "" ? bytes.byteLength : Math.min(bytes.byteLength, Number(to) + 1);
      this.sent += end - Number(from);
      response.writeHead(206, {
        "content-range": `bytes ${from}-${end - 1}/${bytes.byteLength}`,
        "content-length": end - Number(from),
      });
      response.end(bytes.subarray(Number(from), end));
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    const address = this.#server.address();
    this.base = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
    return this;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const commit = (index: number): string => index.toString(16).padStart(40, "0");

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
}

function fail(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { "x-error-code": code, "content-type": "application/json" }).end("{}");
}
