/**
 * @file A repository of the Hugging Face hub, at one revision, as a byte source.
 *
 *     1. which commit is it     GET /api/models/{repo}/revision/{revision}          library: modelInfo
 *     2. which files has it     GET /api/models/{repo}/tree/{commit}?recursive      library: listFiles
 *     3. their bytes            GET /{repo}/resolve/{commit}/{path}, by ranges      httpClient.ts
 *
 * The revision is turned into a commit once; every file is then read from that commit, so that a push in the middle of
 * a download cannot mix two versions. The listing says each file's length and hash before anything is read: no request
 * is spent on finding out what is there, and a length that differs is noticed.
 *
 * Why the library does not fetch the bytes: its `downloadFile` gives a Blob whose slices are fetched once each, without
 * retries, without a check of the status or the length, and without a way to cancel; and for files stored by chunks
 * ("xet") it rebuilds the file itself, from chunks of up to 64 MiB. `/resolve/` answers plain range requests for every
 * file, however it is stored: it redirects to the storage host with a signed address. That redirect is followed for
 * each range anew, so a signature that expires during a long download does no harm. fetch drops the Authorization
 * header when a redirect leads to another origin: the storage never sees the token.
 *
 * The token lives in this object only; it is in no name, no error and no address.
 */
import { BasinError } from "../base/error.ts";
import { checkRange, missingFile, type ByteSource, type FileVersion } from "./byteSource.ts";
import { HttpClient, type HttpOptions } from "./httpClient.ts";
import { refused, statusFix } from "./httpErrors.ts";
import { DEFAULT_REVISION, hubName } from "./modelName.ts";

export const HUB_URL = "https://huggingface.co";

export interface HubSourceOptions {
  /** owner/name */
  readonly repo: string;
  /** Branch, tag or commit; `main` unless given. */
  readonly revision?: string;
  readonly type?: "model" | "dataset";
  /** An access token (hf_…) for private and gated repositories. */
  readonly token?: string;
  /** Another server with the hub's interface, such as a company's mirror. */
  readonly hubUrl?: string;
  /** Name in errors; the repository and its revision unless given. */
  readonly name?: string;
  /** A listing of before (`HubSource.listing`): then nothing is asked before the first byte, and it works offline. */
  readonly listing?: HubListing;
  readonly http?: Pick<HttpOptions, "fetch" | "retry">;
}

/** What a repository holds at one commit. Plain data: may be stored and posted. */
export interface HubListing {
  readonly commit: string;
  /** path -> length in bytes, and the content's hash: "sha256 …" for large (LFS, xet) files, "git …" for the others. */
  readonly files: Readonly<Record<string, { readonly size: number; readonly hash: string }>>;
}

export interface HubSource extends ByteSource {
  /** The commit and its files; asked once. */
  listing(signal?: AbortSignal): Promise<HubListing>;
}

/**
 * @throws BasinError at once for a malformed repository, token or address; later for whatever the hub refuses
 */
export function hubSource(options: HubSourceOptions): HubSource {
  return new Repository(options);
}

class Repository implements HubSource {
  readonly name: string;
  readonly #repo: string;
  readonly #revision: string;
  readonly #type: "model" | "dataset";
  readonly #hub: string;
  readonly #http: HttpClient;
  #listing: Promise<HubListing> | null;

  constructor(options: HubSourceOptions) {
    const { repo, revision = DEFAULT_REVISION, type = "model", token, hubUrl = HUB_URL, listing } = options;
    this.name = options.name ?? hubName(repo, revision);
    if (!/^[\w.-]+\/[\w.-]+$/.test(repo) && !(type === "dataset" && /^[\w.-]+$/.test(repo))) {
      throw new BasinError({
        what: `The repository ${JSON.stringify(repo)} is not of the form owner/name`,
        where: this.name,
        fix: "Copy the name from the top of the repository's page.",
      });
    }
    this.#repo = repo;
    this.#revision = revision;
    this.#type = type;
    this.#hub = checkedAddress(hubUrl, token !== undefined);
    const asked = { page: `${this.#hub}${this.#path()}`, withToken: token !== undefined, repo, revision };
    this.#http = new HttpClient({
      ...options.http,
      ...(token === undefined ? {} : { headers: { authorization: `Bearer ${checkedToken(token)}` } }),
      refuse: (response, where) => hubRefusal(response, where, asked),
    });
    this.#listing = listing === undefined ? null : Promise.resolve(listing);
  }

  async listing(signal?: AbortSignal): Promise<HubListing> {
    const asked = (this.#listing ??= this.#ask(signal));
    try {
      return await asked;
    } catch (cause) {
      if (this.#listing === asked) this.#listing = null; // may be tried again
      // The caller who asked first has left; whoever still waits asks for itself.
      if (cause instanceof Error && cause.name === "AbortError" && signal?.aborted !== true)
        return this.listing(signal);
      throw cause;
    }
  }

  async has(path: string, signal?: AbortSignal): Promise<boolean> {
    return fileOf(await this.listing(signal), path) !== undefined;
  }

  async size(path: string, signal?: AbortSignal): Promise<number> {
    const file = fileOf(await this.listing(signal), path);
    if (file === undefined) throw missingFile(this, path);
    return file.size;
  }

  async version(path: string, signal?: AbortSignal): Promise<FileVersion | null> {
    const file = fileOf(await this.listing(signal), path);
    return file === undefined ? null : { size: file.size, tag: file.hash };
  }

  origin(): "network" {
    return "network";
  }

  readonly read: ByteSource["read"] = async (path, start, end, signal, onBytes) => {
    signal?.throwIfAborted();
    const { commit, files } = await this.listing(signal);
    const file = fileOf({ commit, files }, path);
    if (!checkRange(this, path, file?.size ?? null, { start, end }) || file === undefined) return new Uint8Array(0);
    const url = `${this.#hub}${this.#path()}/resolve/${commit}/${path.split("/").map(encodeURIComponent).join("/")}`;
    return this.#http.readRange(url, start, end, { where: `${this.name}: ${path}`, size: file.size, signal, onBytes });
  };

  #path(): string {
    return `${this.#type === "dataset" ? "/datasets" : ""}/${this.#repo}`;
  }

  async #ask(signal: AbortSignal | undefined): Promise<HubListing> {
    const library = await import("./hubLibrary.ts");
    const where = this.name;
    const fetchOnce = (work: (viaClient: typeof fetch) => Promise<HubListing>): Promise<HubListing> =>
      this.#http.retrying(where, signal, (attempt) =>
        work(async (input) => {
          const url = input instanceof Request ? input.url : String(input);
          // The next page of a listing is named by the server: the token goes to the hub only.
          if (new URL(url).origin !== new URL(this.#hub).origin)
            throw unexpected(where, "its listing goes on at another address");
          const response = await this.#http.send(attempt, url, where);
          if (!response.ok) throw await this.#http.refusal(response, where);
          // Read here and not by the library, so that an answer that breaks off is asked for again.
          const pieces: BlobPart[] = [];
          for await (const piece of this.#http.body(attempt, response, where)) pieces.push(new Uint8Array(piece));
          return new Response(new Blob(pieces), { status: response.status, headers: response.headers });
        }),
      );
    return fetchOnce(async (viaClient) => {
      const common = { hubUrl: this.#hub, fetch: viaClient };
      const asked = { ...common, name: this.#repo, revision: this.#revision, additionalFields: ["sha" as const] };
      const { sha: commit } =
        this.#type === "dataset" ? await library.datasetInfo(asked) : await library.modelInfo(asked);
      if (typeof commit !== "string" || !/^[0-9a-f]{7,64}$/.test(commit))
        throw unexpected(where, "it does not say which commit the revision is");
      const files: Record<string, { size: number; hash: string }> = {};
      for await (const entry of library.listFiles({
        ...common,
        repo: { type: this.#type, name: this.#repo },
        revision: commit,
        recursive: true,
      })) {
        if (entry.type !== "file" || typeof entry.path !== "string" || !Number.isSafeInteger(entry.size)) continue;
        files[entry.path] = {
          size: entry.lfs?.size ?? entry.size,
          hash: entry.lfs === undefined ? `git ${entry.oid ?? commit}` : `sha256 ${entry.lfs.oid}`,
        };
      }
      return { commit, files };
    }).catch((cause: unknown) => {
      // Not JSON, or JSON of another shape: this is not the hub.
      if (cause instanceof SyntaxError || cause instanceof TypeError) throw unexpected(where, cause.message, cause);
      throw cause;
    });
  }
}

function fileOf({ files }: HubListing, path: string): { readonly size: number; readonly hash: string } | undefined {
  return Object.hasOwn(files, path) ? files[path] : undefined;
}

/** The message names the rule, never the token. */
function checkedToken(token: string): string {
  if (/^hf_[A-Za-z0-9_-]+$/.test(token)) return token;
  throw new BasinError({
    what: "The access token does not look like one: a token begins with hf_ and has letters and digits only",
    where: "hub token",
    fix: "Copy it again from the hub, under Settings, Access Tokens; one with the right to read is enough.",
  });
}

function checkedAddress(hubUrl: string, withToken: boolean): string {
  if (!URL.canParse(hubUrl))
    throw new BasinError({
      what: `The hub's address ${JSON.stringify(hubUrl)} is malformed`,
      where: "hub address",
      fix: `Give an address such as ${HUB_URL}.`,
    });
  const { protocol, hostname } = new URL(hubUrl);
  if (withToken && protocol !== "https:" && hostname !== "localhost" && !hostname.startsWith("127.")) {
    throw new BasinError({
      what: "The token would travel unprotected: the hub's address does not begin with https://",
      where: hubUrl,
      fix: "Give an https address, or leave the token away.",
    });
  }
  return hubUrl.replace(/\/+$/, "");
}

/** What was asked for. */
interface Asked {
  /** Address of the repository's page. */
  readonly page: string;
  readonly withToken: boolean;
  readonly repo: string;
  readonly revision: string;
}

/**
 * What the hub means by a status. It names the reason in X-Error-Code (GatedRepo, RepoNotFound, RevisionNotFound,
 * EntryNotFound), and answers 401 for a private repository and for one that does not exist alike.
 */
function hubRefusal(response: Response, where: string, { page, withToken, repo, revision }: Asked): BasinError {
  const { status, statusText } = response;
  const code = response.headers.get("x-error-code") ?? "";
  if (code === "GatedRepo" || (status === 403 && code === "")) {
    return refused(
      where,
      status,
      statusText,
      withToken
        ? `This account may not read the model. Open ${page}, accept its conditions (or wait until the authors grant ` +
            "access), and check that the token has the right to read it."
        : `The model asks for consent first. Log in on ${page}, accept its conditions, then give an access token.`,
    );
  }
  if (code === "RevisionNotFound") {
    return new BasinError({
      what: `The repository has no revision ${JSON.stringify(revision)}`,
      where,
      fix: `Give a branch, tag or commit that ${page} has, or leave the revision away for ${DEFAULT_REVISION}.`,
    });
  }
  if (code === "EntryNotFound")
    return new BasinError({
      what: "The hub lists this file but does not give it",
      where,
      fix: "Load the model again; the repository may have changed.",
    });
  if (status === 401 || status === 404 || code === "RepoNotFound") {
    return new BasinError({
      what: `The hub gives no repository ${repo} (${status} ${statusText})`.replace(" )", ")"),
      where,
      fix: withToken
        ? "Check the name, and that the token is valid and its account may read this repository."
        : "Check the name; if a folder was meant, check that it is there. A private or gated repository needs an " +
          "access token.",
    });
  }
  return refused(where, status, statusText, statusFix(status));
}

function unexpected(where: string, what: string, cause?: unknown): BasinError {
  return new BasinError({
    what: `The hub's answer is not what it should be: ${what}`,
    where,
    fix: "Check the hub's address; a proxy or a login page may answer in its place.",
    cause,
  });
}
