/**
 * @file A static file server with ranges and CORS, as a process of its own so that its memory is not counted as ours.
 *
 *     node rangeServer.mjs FOLDER        prints its address
 */
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { join, normalize } from "node:path";

/* global process, URL */
const folder = process.argv[2] ?? ".";

const server = createServer((request, response) => {
  const path = join(folder, normalize(decodeURIComponent(new URL(request.url, "http://host").pathname)));
  const { size, mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? {};
  const headers = {
    etag: `"${size}-${mtimeMs}"`,
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "Content-Range, ETag",
    "access-control-allow-headers": "range",
    "cross-origin-resource-policy": "cross-origin",
  };
  if (request.method === "OPTIONS") return void response.writeHead(204, headers).end();
  if (size === undefined) return void response.writeHead(404, headers).end();
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
  if (from === undefined)
    return void createReadStream(path).pipe(response.writeHead(200, { ...headers, "content-length": size }));
  const [start, end] = [Number(from), Math.min(Number(to), size - 1)];
  response.writeHead(206, {
    ...headers,
    "content-range": `bytes ${start}-${end}/${size}`,
    "content-length": end - start + 1,
  });
  createReadStream(path, { start, end }).pipe(response);
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`http://127.0.0.1:${server.address().port}\n`));
