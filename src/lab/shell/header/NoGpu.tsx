/** @file What the lab says where there is no device: what is missing, how to get it in this browser, and what works all the same. */
import type { JSX } from "react";
import type { RunFailure } from "../../../experiment/run/events.ts";
import { PageLink } from "../../learn/PageLink.tsx";
import { detectBrowser, type BrowserName } from "./browser.ts";
import { noGpuCase, NO_GPU_TITLES } from "./noGpuCase.ts";
import css from "./header.module.css";

const HINTS: Readonly<Record<BrowserName, { readonly title: string; readonly steps: JSX.Element }>> = {
  chromium: {
    title: "Chrome, Edge and other Chromium browsers",
    steps: (
      <ol>
        <li>Use version 113 or later on Windows, macOS or ChromeOS, 121 or later on Android.</li>
        <li>
          Open <code>chrome://gpu</code> (Edge: <code>edge://gpu</code>). The line “WebGPU” should say “Hardware
          accelerated”.
        </li>
        <li>
          If it says “Disabled”, allow “graphics acceleration” in the browser’s settings under “System”, update the
          graphics driver and start the browser again.
        </li>
        <li>
          On Linux, or with a blocked driver: set <code>chrome://flags/#enable-unsafe-webgpu</code> to “Enabled”, and on
          Linux <code>chrome://flags/#enable-vulkan</code> as well.
        </li>
      </ol>
    ),
  },
  firefox: {
    title: "Firefox",
    steps: (
      <ol>
        <li>On Windows use version 141 or later; on Macs with Apple silicon 145 or later.</li>
        <li>
          Elsewhere open <code>about:config</code>, set <code>dom.webgpu.enabled</code> to true and reload this page.
          Firefox Nightly has it on by default.
        </li>
        <li>
          If nothing changes, look at <code>about:support</code> under “Graphics” for why it is blocked, or open the lab
          in Chrome or Edge.
        </li>
      </ol>
    ),
  },
  safari: {
    title: "Safari",
    steps: (
      <ol>
        <li>Safari 26 has WebGPU: update macOS, iOS, iPadOS or visionOS to version 26.</li>
        <li>
          On an older macOS: Settings, Advanced, “Show features for web developers”; then Develop, Feature Flags,
          “WebGPU”.
        </li>
        <li>Or open the lab in Chrome or Edge.</li>
      </ol>
    ),
  },
  other: {
    title: "Your browser",
    steps: <p>Open the lab in a current Chrome, Edge, Firefox (Windows, or Apple silicon) or Safari 26.</p>,
  },
};

export function NoGpu({ failure }: { readonly failure: RunFailure }): JSX.Element {
  const reason = noGpuCase(failure, window.isSecureContext);
  return (
    <section className={css.noGpu} data-testid="no-gpu" data-case={reason}>
      <h2>{NO_GPU_TITLES[reason]}</h2>
      {reason !== "insecure" && (
        <p>
          {failure.what}. {failure.fix}
        </p>
      )}
      <p>
        Basin trains on your own graphics processor through WebGPU, so that nothing leaves this machine. You can still
        edit an experiment, look at its data, read earlier runs, copy links, and{" "}
        <PageLink page="lora">learn how it works</PageLink>: that needs no GPU.
      </p>
      {reason === "insecure" ? <Secure /> : <Hints />}
    </section>
  );
}

/** The same page at an address that browsers trust. */
function Secure(): JSX.Element {
  const secure = `https://${window.location.host}${window.location.pathname}`;
  return (
    <div className={css.yours}>
      <h3>What to do</h3>
      <ol>
        <li>
          Try <a href={secure}>{secure}</a>.
        </li>
        <li>
          Or run the lab on your own computer: <code>npm start</code> serves it at <code>http://localhost</code>, which
          browsers trust.
        </li>
        <li>
          Whoever runs this server can set up https: WebGPU, the offline copy and the store for models all need it.
        </li>
      </ol>
    </div>
  );
}

/** How to get WebGPU on the hardware: for this browser, and folded for the others. */
export function Hints(): JSX.Element {
  const mine = detectBrowser(navigator.userAgent);
  const others = (Object.keys(HINTS) as BrowserName[]).filter((name) => name !== mine && name !== "other");
  return (
    <>
      <div className={css.yours}>
        <h3>How to get it in {mine === "other" ? "another browser" : HINTS[mine].title}</h3>
        {HINTS[mine].steps}
      </div>
      <details>
        <summary>Other browsers</summary>
        {others.map((name) => (
          <div key={name}>
            <h3>{HINTS[name].title}</h3>
            {HINTS[name].steps}
          </div>
        ))}
      </details>
    </>
  );
}
