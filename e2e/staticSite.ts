/**
 * @file A host as plain as there are: the built folder below a sub-path, whole files, no header but the type. It writes
 * down every request with the bytes of its body, can send the headers of `_headers`, and can be switched to another
 * folder, as an upload would.
 */
import { createReadStream, existsSync, readFileSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

export const BUILT = fileURLToPath(new URL("../dist/web", import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".svg": "image/svg+xml",
};

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly bodyBytes: number;
}

export class StaticSite {
  readonly asked: Asked[] = [];
  folder: string;
  readonly #server: Server;
  readonly #sub: string;
  readonly #headers: Readonly<Record<string, string>>;

  private constructor(folder: string, sub: string, headers: Readonly<Record<string, string>>) {
    this.folder = folder;
    this.#sub = sub;
    this.#headers = headers;
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  /** @param headers sent with every file, as a host that reads `_headers` does */
  static async start({
    folder = BUILT,
    sub = "/a/lab/",
    headers = {},
  }: {
    readonly folder?: string;
    readonly sub?: string;
    readonly headers?: Readonly<Record<string, string>>;
  } = {}): Promise<StaticSite> {
    const site = new StaticSite(folder, sub, headers);
    await new Promise<void>((resolve) => site.#server.listen(0, "localhost", resolve));
    return site;
  }

  get address(): string {
    const told = this.#server.address();
    if (told === null || typeof told === "string") throw new Error("the site is not served");
    return `http://localhost:${told.port}${this.#sub}`;
  }

  /** From now on nobody answers. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let bodyBytes = 0;
    for await (const piece of request) bodyBytes += (piece as Buffer).byteLength;
    const path = decodeURIComponent((request.url ?? "/").split("?")[0] ?? "/");
    this.asked.push({ method: request.method ?? "", path, bodyBytes });
    const file = path.startsWith(this.#sub)
      ? join(this.folder, normalize(path.slice(this.#sub.length)) || "index.html")
      : "";
    const found = [file, join(file, "index.html")].find(
      (candidate) => file !== "" && existsSync(candidate) && statSync(candidate).isFile(),
    );
    if (found === undefined) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      ...this.#headers,
      "content-type": TYPES[extname(found)] ?? "application/octet-stream",
      "content-length": statSync(found).size,
    });
    if (request.method === "HEAD") response.end();
    else createReadStream(found).pipe(response);
  }
}

/** The headers for every file from the `_headers` of the built folder. */
export function builtHeaders(): Record<string, string> {
  const [all = ""] = readFileSync(join(BUILT, "_headers"), "utf8").split(/\n(?=\/)/);
  return Object.fromEntries(
    [...all.matchAll(/^ {2}([\w-]+): (.*)$/gm)].map(([, name = "", value = ""]) => [name, value]),
  );
}
