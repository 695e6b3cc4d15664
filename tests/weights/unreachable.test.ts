/**
 * @file A fetch that fails tells no reason in a browser; what the page can find out by itself is told. A page is played
 * here; e2e/network.spec.ts has a real one.
 */
import { afterEach, describe, expect, it, vi } from "vitest";
import { urlSource } from "../../src/weights/urlSource.ts";
import { rejection } from "./support.ts";

afterEach(() => vi.unstubAllGlobals());

/** A page at `origin` whose requests fail, except those without a wish to read where `there`. */
function play(
  origin: string,
  { onLine = true, there = false }: { readonly onLine?: boolean; readonly there?: boolean } = {},
): void {
  vi.stubGlobal("location", { origin, href: `${origin}/lab/` });
  vi.stubGlobal("navigator", { onLine });
  vi.stubGlobal("fetch", async (_: string, init: RequestInit) => {
    if (there && init.mode === "no-cors") return new Response(null);
    throw new TypeError("Failed to fetch");
  });
}

async function ask(base: string): Promise<{ readonly what: string; readonly fix: string }> {
  return rejection(urlSource(base, { retry: { baseMs: 1 } }).has("config.json"));
}

describe("a server that a page cannot reach", () => {
  it("is reported when it does not permit the page (CORS)", async () => {
    play("https://lab.example", { there: true });
    const { what, fix } = await ask("https://models.example/m");
    expect(what).toMatch(/is there but does not allow this page \(https:\/\/lab\.example\)/);
    expect(fix).toMatch(/Access-Control-Allow-Origin: \*/);
  });

  it("is reported when it lacks the https that the page has", async () => {
    play("https://lab.example", { there: true });
    expect((await ask("http://models.example/m")).what).toMatch(/browser does not let it read an address with http:/);
    // The own computer is exempt from that rule.
    expect((await ask("http://localhost:8000/m")).what).toMatch(/CORS/);
  });

  it("is reported as unreachable when the browser is offline", async () => {
    play("http://localhost:4173", { onLine: false });
    expect((await ask("https://models.example/m")).what).toBe("This computer is offline");
    expect((await ask("http://localhost:4173/m")).what).toBe("This computer is offline");
  });

  it("is reported when it does not exist", async () => {
    play("http://localhost:4173");
    const { what, fix } = await ask("http://localhost:1/m");
    expect(what).toMatch(/The request failed: Failed to fetch/);
    expect(fix).toMatch(/Check the address.*CORS/);
  });
});
