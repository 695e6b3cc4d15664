/**
 * @file Firefox, driven over WebDriver BiDi (https://w3c.github.io/webdriver-bidi/): a window, scripts in it, and what
 * it writes to its console. Playwright's own client asks for commands that Firefox ESR does not know.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { WebSocket } from "ws";

/** Firefox shows an adapter on Linux only where it is told to. */
const PREFERENCES = {
  "dom.webgpu.enabled": true,
  "gfx.webgpu.ignore-blocklist": true,
  "app.update.auto": false,
  "browser.shell.checkDefaultBrowser": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "toolkit.telemetry.reportingpolicy.firstRun": false,
  // No requests of its own.
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
};

const START_MS = 60_000;

/** A line of the console, or an exception that nothing caught. */
export interface ConsoleEntry {
  readonly level: string;
  readonly text: string;
}

interface Message {
  readonly id?: number;
  readonly type: "success" | "error" | "event";
  readonly result?: unknown;
  readonly message?: string;
  readonly method?: string;
  readonly params?: unknown;
}

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** What `script.callFunction` answers. */
interface Evaluation {
  readonly type: "success" | "exception";
  readonly result?: { readonly value?: unknown };
  readonly exceptionDetails?: { readonly text: string };
}

/** The program, or undefined where there is none. FIREFOX_PATH names another one. */
export function findFirefox(): string | undefined {
  const given = process.env["FIREFOX_PATH"];
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const found = ["firefox-esr", "firefox"].flatMap((name) => folders.map((folder) => join(folder, name)));
  return [...(given ? [given] : []), ...found, "/Applications/Firefox.app/Contents/MacOS/firefox"].find(existsSync);
}

export class Firefox {
  /** Of all pages so far. */
  readonly entries: ConsoleEntry[] = [];
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #socket: WebSocket;
  readonly #pending = new Map<number, Pending>();
  #version = "";
  #context = "";
  #id = 0;

  private constructor(program: ChildProcess, profile: string, socket: WebSocket) {
    this.#process = program;
    this.#profile = profile;
    this.#socket = socket;
    socket.on("message", (data) => this.#receive(JSON.parse(String(data)) as Message));
    socket.on("close", () => {
      for (const { reject } of this.#pending.values()) reject(new Error("Firefox has ended"));
      this.#pending.clear();
    });
  }

  static async launch(program: string): Promise<Firefox> {
    const profile = mkdtempSync(join(tmpdir(), "basin-firefox-"));
    const lines = Object.entries(PREFERENCES).map(([name, value]) => `user_pref("${name}", ${value});`);
    writeFileSync(join(profile, "user.js"), `${lines.join("\n")}\n`);
    const args = ["--headless", "--no-remote", "--remote-debugging-port=0", "--profile", profile, "about:blank"];
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, HOME: profile } });
    try {
      const socket = await connected(`${await address(child)}/session`);
      const firefox = new Firefox(child, profile, socket);
      await firefox.#open();
      return firefox;
    } catch (error) {
      child.kill();
      rmSync(profile, { recursive: true, force: true });
      throw error;
    }
  }

  get version(): string {
    return this.#version;
  }

  async goto(url: string): Promise<void> {
    await this.#send("browsingContext.navigate", { context: this.#context, url, wait: "complete" });
  }

  async reload(): Promise<void> {
    await this.#send("browsingContext.reload", { context: this.#context, wait: "complete" });
  }

  /** What a function gives that runs in the page; arguments and result are JSON. @throws Error where it throws */
  async evaluate<A extends readonly unknown[], R>(work: (...args: A) => R | Promise<R>, ...args: A): Promise<R> {
    const { type, result, exceptionDetails } = (await this.#send("script.callFunction", {
      functionDeclaration: `async (text) => JSON.stringify(await (${work})(...JSON.parse(text)))`,
      arguments: [{ type: "string", value: JSON.stringify(args) }],
      target: { context: this.#context },
      awaitPromise: true,
      userActivation: true,
    })) as Evaluation;
    if (type === "exception") throw new Error(exceptionDetails?.text ?? "exception in the page");
    return (typeof result?.value === "string" ? JSON.parse(result.value) : undefined) as R;
  }

  /** The window's size in CSS pixels. */
  async resize(width: number, height: number): Promise<void> {
    await this.#send("browsingContext.setViewport", { context: this.#context, viewport: { width, height } });
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    await this.#send("browser.close", {}).catch(() => this.#process.kill());
    await ended;
    this.#socket.close();
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  async #open(): Promise<void> {
    const session = (await this.#send("session.new", { capabilities: {} })) as {
      readonly capabilities: { readonly browserVersion: string };
    };
    this.#version = session.capabilities.browserVersion;
    await this.#send("session.subscribe", { events: ["log.entryAdded"] });
    const tree = (await this.#send("browsingContext.getTree", {})) as {
      readonly contexts: readonly { readonly context: string }[];
    };
    this.#context = tree.contexts[0]?.context ?? "";
  }

  #send(method: string, params: object): Promise<unknown> {
    this.#id += 1;
    const id = this.#id;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  #receive({ id, type, result, message, method, params }: Message): void {
    if (method === "log.entryAdded") this.entries.push(params as ConsoleEntry);
    const pending = id === undefined ? undefined : this.#pending.get(id);
    if (id === undefined || !pending) return;
    this.#pending.delete(id);
    if (type === "error") pending.reject(new Error(message ?? "WebDriver error"));
    else pending.resolve(result);
  }
}

/** Where it listens, which it writes to stderr. */
function address(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const timer = setTimeout(() => reject(new Error(`Firefox does not start: ${text}`)), START_MS);
    child.stderr?.on("data", (data: Buffer) => {
      text += data.toString();
      const [, found] = /WebDriver BiDi listening on (ws:\S+)/.exec(text) ?? [];
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(found);
    });
    child.once("exit", (code) => {
      clearTimeout(timer);
      reject(new Error(`Firefox ended with ${code}: ${text}`));
    });
  });
}

function connected(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  return new Promise((resolve, reject) => {
    socket.once("open", () => resolve(socket));
    socket.once("error", reject);
  });
}
