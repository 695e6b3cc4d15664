/** @file The sums of the network panel: per host, bytes counted once, and what would be an upload is never hidden. */
import { describe, expect, it } from "vitest";
import { NetworkLog, networkLogText } from "../../src/lab/shell/networkLog/networkLogStore.ts";
import type { SeenRequest } from "../../src/weights/networkLog.browser.ts";

const seen = (changes: Partial<SeenRequest>): SeenRequest => ({
  from: "page",
  method: "GET",
  url: "https://lab.example/a.js",
  via: "script",
  body: false,
  token: false,
  bytes: 10,
  again: false,
  ...changes,
});

describe("traffic", () => {
  it("sums up by host; a fetch that the timing list tells again adds bytes, not a request", () => {
    const traffic = new NetworkLog("https://lab.example");
    traffic.add([
      seen({}),
      seen({ via: "fetch", url: "https://lab.example/m.json", bytes: null }),
      seen({ via: "fetch", url: "https://lab.example/m.json", bytes: 5, again: true }),
    ]);
    traffic.add([
      seen({ from: "weights", via: "fetch", url: "https://hub.example/x", method: "HEAD", bytes: 0, token: true }),
      seen({ from: "weights", via: "fetch", url: "https://hub.example/x", bytes: 100 }),
    ]);
    const { hosts, suspicious } = traffic.store.getState();
    expect(
      hosts.map(({ origin, own, requests, bytes, methods, token }) => ({
        origin,
        own,
        requests,
        bytes,
        methods,
        token,
      })),
    ).toEqual([
      { origin: "https://lab.example", own: true, requests: 2, bytes: 15, methods: ["GET"], token: false },
      { origin: "https://hub.example", own: false, requests: 2, bytes: 100, methods: ["HEAD", "GET"], token: true },
    ]);
    expect(suspicious).toBe(0);
  });

  it.each([
    ["a body", { body: true }],
    ["another method", { method: "POST" }],
    ["a way of sending that tells no method", { method: "unknown", via: "beacon" }],
  ] as const)("counts %s as sent", (_, changes) => {
    const traffic = new NetworkLog("https://lab.example");
    traffic.add([seen(changes)]);
    expect(traffic.store.getState().suspicious).toBe(1);
    expect(networkLogText(traffic.store.getState())).toContain("https://lab.example/a.js");
  });

  it("still counts when one host has too many addresses to list", () => {
    const traffic = new NetworkLog("https://lab.example");
    traffic.add(Array.from({ length: 600 }, (_, i) => seen({ url: `https://lab.example/${i}` })));
    const [host] = traffic.store.getState().hosts;
    expect([host?.requests, host?.bytes, host?.addresses.length]).toEqual([600, 6000, 500]);
  });
});
