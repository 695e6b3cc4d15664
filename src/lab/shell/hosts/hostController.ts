/**
 * @file Which hosts this browser may load from: asked once per host, saved, and revocable.
 *
 * A host that the user typed into Setup is allowed with that. One that a link, the page's own address or a document
 * names is asked about when something first wants to load from it; nothing is requested before the answer
 * (weights/hostGate.browser.ts).
 */
import { createStore, type StoreApi } from "zustand/vanilla";
import { isAlwaysAllowed, type HostRequest } from "../../../weights/hostGate.browser.ts";
import type { JsonObject } from "../../support/json.ts";
import type { SavedSettings } from "../../support/savedSettings.ts";
import { hostsNamedIn } from "./namedHosts.ts";
import { parseAllowedHosts, type AllowedHost, type NamedBy } from "./savedHosts.ts";

/** A host that something wants to load from, and the user has not decided about. */
export interface HostQuestion {
  readonly origin: string;
  readonly by: NamedBy;
  /** As the hub: models by their names, and the access token. */
  readonly asHub: boolean;
  /** Fields of the settings that name it; else the address that was asked for. */
  readonly wanted: readonly string[];
}

export interface HostsState {
  readonly allowed: readonly AllowedHost[];
  readonly questions: readonly HostQuestion[];
  /** Refused in this tab. */
  readonly refused: readonly HostQuestion[];
}

export interface HostOptions {
  readonly saved: SavedSettings;
  /** Address of the folder that the page is served from. */
  readonly home: string;
  /** The hub that the page's address names (`?hubUrl=`); null where it names none. */
  readonly addressHub: string | null;
}

/** Key of the saved text. */
export const HOSTS_KEY = "basin.hosts";

export class HostController {
  readonly store: StoreApi<HostsState>;
  /** The hub that the page's address names, as it is written there. */
  readonly addressHub: string | null;
  readonly #saved: SavedSettings;
  readonly #home: string;
  readonly #hubOrigin: string | null;
  readonly #typed = new Set<string>();
  readonly #typedHubs = new Set<string>();
  readonly #inLinks = new Set<string>();
  readonly #listeners: (() => void)[] = [];
  #draft: JsonObject = {};

  constructor({ saved, home, addressHub }: HostOptions) {
    this.#saved = saved;
    this.#home = home;
    this.addressHub = addressHub;
    this.#hubOrigin = addressHub === null ? null : originOf(addressHub);
    this.store = createStore<HostsState>()(() => ({
      allowed: parseAllowedHosts(saved.get(HOSTS_KEY)),
      questions: [],
      refused: [],
    }));
  }

  /** @param changed called when what is allowed has changed: earlier refusals may be outdated */
  onChange(changed: () => void): void {
    this.#listeners.push(changed);
  }

  /** Another tab has saved these. */
  savedElsewhere(text: string | null): void {
    this.store.setState({ allowed: parseAllowedHosts(text) });
    this.#changed();
  }

  /** Whether a request may be made now. Asks the user about a host that is new. */
  permits({ origin, url, token }: HostRequest): boolean {
    if (isAlwaysAllowed(origin, new URL(this.#home).origin)) return true;
    const asHub = token || origin === this.#hubOrigin;
    const { allowed, questions, refused } = this.store.getState();
    const known = allowed.find((host) => host.origin === origin);
    if (known !== undefined && (known.token || !asHub)) return true;
    if ((asHub ? this.#typedHubs : this.#typed).has(origin)) {
      this.#allow({ origin, token: asHub, by: "you" });
      return true;
    }
    if (![...questions, ...refused].some((asked) => asked.origin === origin && (asked.asHub || !asHub))) {
      const question = { origin, by: this.#namedBy(origin), asHub, wanted: this.#wanted(origin, url) };
      this.store.setState({ questions: [...questions.filter((asked) => asked.origin !== origin), question] });
    }
    return false;
  }

  /** The user agrees to what was asked. */
  allow({ origin, asHub, by }: HostQuestion): void {
    this.#allow({ origin, token: asHub, by });
    this.#changed();
  }

  refuse(question: HostQuestion): void {
    this.store.setState(({ questions, refused }) => ({
      questions: questions.filter(({ origin }) => origin !== question.origin),
      refused: [...refused.filter(({ origin }) => origin !== question.origin), question],
    }));
  }

  /** Takes a permission back. What is already loaded stays. */
  revoke(origin: string): void {
    this.#typed.delete(origin);
    this.#typedHubs.delete(origin);
    const question: HostQuestion = { origin, by: this.#namedBy(origin), asHub: false, wanted: [] };
    this.#save(this.store.getState().allowed.filter((host) => host.origin !== origin));
    this.refuse(question);
    this.#changed();
  }

  /** The settings as they are now. @param fromLink they were opened from a link */
  settingsAre(draft: JsonObject, fromLink: boolean): void {
    this.#draft = draft;
    if (fromLink) for (const { origin } of hostsNamedIn(draft, this.#home)) this.#inLinks.add(origin);
  }

  /** The user edited the settings: a host that they name only now was named by the user. */
  edited(before: JsonObject, after: JsonObject): void {
    const known = new Set(hostsNamedIn(before, this.#home).map(({ origin }) => origin));
    for (const { origin } of hostsNamedIn(after, this.#home)) if (!known.has(origin)) this.typed(origin);
  }

  /** The user typed this address. */
  typed(address: string): void {
    const origin = originOf(address);
    if (origin === null) return;
    this.#typed.add(origin);
    this.#forgetRefusal(origin);
  }

  /** The user typed this address as that of the hub. */
  typedHub(address: string): void {
    this.typed(address);
    const origin = originOf(address);
    if (origin !== null) this.#typedHubs.add(origin);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  #allow(host: AllowedHost): void {
    this.#save([...this.store.getState().allowed.filter(({ origin }) => origin !== host.origin), host]);
    this.#forgetRefusal(host.origin);
    this.store.setState(({ questions }) => ({ questions: questions.filter(({ origin }) => origin !== host.origin) }));
  }

  #forgetRefusal(forgotten: string): void {
    this.store.setState(({ refused }) => ({ refused: refused.filter(({ origin }) => origin !== forgotten) }));
  }

  #save(allowed: readonly AllowedHost[]): void {
    this.store.setState({ allowed });
    this.#saved.set(HOSTS_KEY, JSON.stringify(allowed));
  }

  #namedBy(origin: string): NamedBy {
    if (origin === this.#hubOrigin) return "address";
    return this.#inLinks.has(origin) ? "link" : "document";
  }

  #wanted(origin: string, url: string): readonly string[] {
    const fields = hostsNamedIn(this.#draft, this.#home).filter((named) => named.origin === origin);
    return fields.length === 0 ? [url.split("?")[0] ?? url] : fields.map(({ path, text }) => `${path}: ${text}`);
  }
}

function originOf(address: string): string | null {
  return URL.canParse(address) ? new URL(address).origin : null;
}
