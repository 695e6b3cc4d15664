/**
 * @file What goes wrong with a web server, in words: each status and each way a connection fails, with what to do.
 */
import { BasinError } from "../base/error.ts";

const LOCAL = "use another mirror, or download the model and choose the local folder";

/** What to do about a status. A hub source says more (hubErrors.ts). */
export function statusFix(status: number, retryAfterMs: number | null = null): string {
  if (status === 401)
    return (
      "The server wants a login. Use a server that gives the files without one, or download the model and choose the " +
      "local folder."
    );
  if (status === 403)
    return (
      "The server refuses these files: the link may have expired, or they are not public. Check the address, or " +
      "choose a local folder."
    );
  if (status === 404 || status === 410) return "Check the address, its spelling and its revision.";
  if (status === 407) return "A proxy between here and the server wants a login. Ask whoever runs the network.";
  if (status === 416)
    return "The server's file is shorter than it said, or it changed meanwhile. Load the model again.";
  if (status === 429) {
    const wait = retryAfterMs === null ? "Wait a few minutes" : `Wait ${seconds(retryAfterMs)}, as the server asks`;
    return (
      `Too many requests came from here. ${wait}, then try again; ` +
      "a login or another mirror may have a higher limit."
    );
  }
  if (status >= 500) return `The server has a problem of its own. Try again later, or ${LOCAL}.`;
  return `Check the address, or ${LOCAL}.`;
}

export function refused(where: string, status: number, statusText: string, fix = statusFix(status)): BasinError {
  return new BasinError({ what: `The server answered ${status} ${statusText}`.trimEnd(), where, fix });
}

export function rangesIgnored(where: string, size: number, limit: number): BasinError {
  return new BasinError({
    what:
      `The server ignores range requests, and the file is too large for one answer (${mebibytes(size)}; the bound is ` +
      `${mebibytes(limit)})`,
    where,
    fix:
      "Serve the model from a server that supports Range requests (nginx, Caddy, `npx http-server` do; Python's " +
      "http.server does not), or choose the local folder.",
  });
}

export function tooMuch(where: string, expected: number): BasinError {
  return new BasinError({
    what: `The server sent more than the ${expected} bytes that were asked for`,
    where,
    fix: `The server handles range requests wrongly: ${LOCAL}.`,
  });
}

export function otherRange(where: string, asked: string, got: string): BasinError {
  return new BasinError({
    what: `The server was asked for bytes ${asked} and says that it sends ${got}`,
    where,
    fix: `The server handles range requests wrongly: ${LOCAL}.`,
  });
}

export function changed(where: string, what: string): BasinError {
  return new BasinError({
    what: `The file changed while it was read: ${what}`,
    where,
    fix: "Load the model again; do not change files on the server meanwhile.",
  });
}

export function lengthHidden(where: string): BasinError {
  return new BasinError({
    what:
      "The server answers range requests without saying how long the file is (no readable Content-Range or " +
      "Content-Length)",
    where,
    fix: `From another origin the server must send Access-Control-Expose-Headers: Content-Range. Otherwise ${LOCAL}.`,
  });
}

/** The server could not be asked at all, as far as that can be found out. */
export type Unreachable =
  | { readonly kind: "unknown"; readonly message: string }
  | { readonly kind: "offline" }
  | { readonly kind: "mixed"; readonly page: string }
  | { readonly kind: "cors"; readonly page: string };

export function unreachable(where: string, reason: Unreachable, cause: unknown): BasinError {
  switch (reason.kind) {
    case "offline":
      return new BasinError({
        what: "This computer is offline",
        where,
        fix: "Connect to the network, or choose a local folder or a model that is already stored here.",
        cause,
      });
    case "mixed":
      return new BasinError({
        what: `The page comes over https (${reason.page}), so the browser does not let it read an address with http://`,
        where,
        fix: "Give an address that begins with https://, or choose a local folder.",
        cause,
      });
    case "cors":
      return new BasinError({
        what: `The server is there but does not allow this page (${reason.page}) to read its files (CORS)`,
        where,
        fix:
          "Let the server send Access-Control-Allow-Origin: * and Access-Control-Expose-Headers: Content-Range, ETag " +
          "(for example `npx http-server --cors`), serve the model beside the page, or choose a local folder.",
        cause,
      });
    case "unknown":
      return new BasinError({
        what: `The request failed: ${reason.message}`,
        where,
        fix:
          "Check the address, and that the server runs and can be reached from here. In a browser the server must " +
          "also allow other pages to read it (CORS).",
        cause,
      });
  }
}

export function broken(where: string, attempts: number, at: number, message: string, cause: unknown): BasinError {
  return new BasinError({
    what: `The connection broke ${attempts} times in a row${at > 0 ? ` at byte ${at}` : ""}: ${message}`,
    where,
    fix: `Check the network and try again; where it breaks at the same place each time, ${LOCAL}.`,
    cause,
  });
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}

function seconds(ms: number): string {
  return ms >= 120_000 ? `${Math.round(ms / 60_000)} minutes` : `${Math.ceil(ms / 1000)} s`;
}
