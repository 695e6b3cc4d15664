/** @file Which hosts the lab may load from: asked once, saved, revocable; a token needs more than a file. */
import { describe, expect, it } from "vitest";
import { HostController, HOSTS_KEY } from "../../src/lab/shell/hosts/hostController.ts";
import { hostsNamedIn } from "../../src/lab/shell/hosts/namedHosts.ts";
import { parseAllowedHosts } from "../../src/lab/shell/hosts/savedHosts.ts";
import { pageForLinks } from "../../src/lab/setup/specStore.ts";
import { savedIn, type SavedSettings } from "../../src/lab/support/savedSettings.ts";

const HOME = "https://lab.example/basin/";
const HOST = "http://localhost:8123";
const LINKED = { model: { aligned: `${HOST}/m`, unaligned: null } };
const request = (origin: string, token = false): { origin: string; url: string; token: boolean } => ({
  origin,
  url: `${origin}/m/config.json?key=1`,
  token,
});

function inMemory(): SavedSettings {
  return savedIn(() => {
    throw new Error("storage is blocked");
  });
}

function make(saved = inMemory(), addressHub: string | null = null): HostController {
  return new HostController({ saved, home: HOME, addressHub });
}

describe("hosts", () => {
  it("its own site and the hub need no leave", () => {
    const hosts = make();
    expect(hosts.permits(request("https://lab.example"))).toBe(true);
    expect(hosts.permits(request("https://huggingface.co", true))).toBe(true);
    expect(hosts.store.getState().questions).toEqual([]);
  });

  it("a link's host is asked about once, says which field names it, and is remembered", () => {
    const saved = inMemory();
    const hosts = make(saved);
    let changes = 0;
    hosts.onChange(() => (changes += 1));
    hosts.settingsAre(LINKED, true);
    expect([hosts.permits(request(HOST)), hosts.permits(request(HOST))]).toEqual([false, false]);
    const [question, ...others] = hosts.store.getState().questions;
    expect([question, others]).toEqual([
      { origin: HOST, by: "link", asHub: false, wanted: [`model.aligned: ${HOST}/m`] },
      [],
    ]);
    if (question === undefined) throw new Error("nothing was asked");
    hosts.allow(question);
    expect([hosts.permits(request(HOST)), changes]).toEqual([true, 1]);
    expect(make(saved).permits(request(HOST))).toBe(true);
    hosts.revoke(HOST);
    expect(hosts.permits(request(HOST))).toBe(false);
    expect(make(saved).permits(request(HOST))).toBe(false);
  });

  it("a refusal is not asked about again, and can be taken back", () => {
    const hosts = make();
    hosts.permits(request(HOST));
    const [question] = hosts.store.getState().questions;
    if (question === undefined) throw new Error("nothing was asked");
    expect(question).toMatchObject({ by: "document", wanted: [`${HOST}/m/config.json`] });
    hosts.refuse(question);
    expect(hosts.permits(request(HOST))).toBe(false);
    expect(hosts.store.getState()).toMatchObject({ questions: [], refused: [question] });
    hosts.allow(question);
    expect(hosts.permits(request(HOST))).toBe(true);
    expect(hosts.store.getState().refused).toEqual([]);
  });

  it("a host that the user types is allowed; editing another field of a link allows nothing", () => {
    const hosts = make();
    hosts.settingsAre(LINKED, true);
    hosts.edited(LINKED, { ...LINKED, train: { seed: 2 } });
    expect(hosts.permits(request(HOST))).toBe(false);
    hosts.edited(LINKED, { model: { aligned: "https://mine.example/m", unaligned: null } });
    expect(hosts.permits(request("https://mine.example"))).toBe(true);
    expect(hosts.store.getState().allowed).toEqual([{ origin: "https://mine.example", token: false, by: "you" }]);
    expect(hosts.permits(request("https://mine.example", true))).toBe(false);
  });

  it("the hub in the page's address is asked about as a hub, also where its files are allowed", () => {
    const saved = inMemory();
    saved.set(HOSTS_KEY, JSON.stringify([{ origin: HOST, token: false, by: "link" }]));
    const hosts = make(saved, `${HOST}/`);
    expect(hosts.permits(request(HOST))).toBe(false);
    const [question] = hosts.store.getState().questions;
    if (question === undefined) throw new Error("nothing was asked");
    expect(question).toMatchObject({ by: "address", asHub: true });
    hosts.allow(question);
    expect(hosts.permits(request(HOST, true))).toBe(true);
  });

  it("a mirror that the user types may get the token", () => {
    const hosts = make();
    hosts.typedHub("https://mirror.example/api");
    expect(hosts.permits(request("https://mirror.example", true))).toBe(true);
  });

  it("another tab's answers count", () => {
    const hosts = make();
    hosts.savedElsewhere(JSON.stringify([{ origin: HOST, token: false, by: "link" }]));
    expect(hosts.permits(request(HOST))).toBe(true);
  });

  it.each(["//evil.example/m", "/\\evil.example/m", " https://evil.example/m", "HTTPS://evil.example"])(
    "%j names a host",
    (text) => {
      expect(hostsNamedIn({ data: { test: [{ file: text }] } }, HOME)).toEqual([
        { origin: "https://evil.example", path: "data.test.0.file", text: text.trim() },
      ]);
    },
  );

  it("what is saved and not in the format is dropped", () => {
    expect(parseAllowedHosts("{")).toEqual([]);
    expect(parseAllowedHosts('[{"origin":1,"token":true,"by":"you"},{"origin":"a","token":true,"by":"x"}]')).toEqual(
      [],
    );
  });

  it("links do not carry the hub of this page's address", () => {
    expect(pageForLinks("https://lab.example/basin/?hubUrl=http%3A%2F%2Flocalhost%3A1#x=1.abc")).toBe(HOME);
    expect(pageForLinks("https://lab.example/basin/?a=1#learn")).toBe(`${HOME}?a=1`);
  });
});
