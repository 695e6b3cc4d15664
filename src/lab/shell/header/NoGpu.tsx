/** @file Shown without a device: what is missing, how to get it in this browser, and what still works. */
import type { JSX } from "react";
import type { RunFailure } from "../../../experiment/run/events.ts";
import { PageLink } from "../../learn/PageLink.tsx";
import { Prose } from "../../ui/Prose.tsx";
import { GPU_HINTS, NO_GPU } from "../copy.ts";
import { detectBrowser, type BrowserName } from "./browser.ts";
import css from "./header.module.css";
import { noGpuCase } from "./noGpuCase.ts";

export function NoGpu({ failure }: { readonly failure: RunFailure }): JSX.Element {
  const reason = noGpuCase(failure, window.isSecureContext);
  return (
    <section className={css.noGpu} data-testid="no-gpu" data-case={reason}>
      <h2>{NO_GPU.titles[reason]}</h2>
      {reason !== "insecure" && (
        <p>
          {failure.what}. {failure.fix}
        </p>
      )}
      <p>
        {NO_GPU.stillWorks}
        <PageLink page="lora">{NO_GPU.learn}</PageLink>.
      </p>
      {reason === "insecure" ? <SecureSteps /> : <GpuHints />}
    </section>
  );
}

/** How to open the page at an address that browsers trust. */
function SecureSteps(): JSX.Element {
  const secure = `https://${window.location.host}${window.location.pathname}`;
  return (
    <div className={css.yours}>
      <h3>{NO_GPU.whatToDo}</h3>
      <ol>
        <li>
          {NO_GPU.trySecure}
          <a href={secure}>{secure}</a>.
        </li>
        {NO_GPU.secure.map((step) => (
          <li key={step}>
            <Prose text={step} />
          </li>
        ))}
      </ol>
    </div>
  );
}

/** How to get WebGPU on the hardware: in this browser, and folded for the others. */
export function GpuHints(): JSX.Element {
  const mine = detectBrowser(navigator.userAgent);
  const others = (Object.keys(GPU_HINTS) as BrowserName[]).filter((name) => name !== mine && name !== "other");
  return (
    <>
      <div className={css.yours}>
        <h3>{NO_GPU.enableIn(mine === "other" ? NO_GPU.anotherBrowser : GPU_HINTS[mine].title)}</h3>
        <Steps browser={mine} />
      </div>
      <details>
        <summary>{NO_GPU.otherBrowsers}</summary>
        {others.map((name) => (
          <div key={name}>
            <h3>{GPU_HINTS[name].title}</h3>
            <Steps browser={name} />
          </div>
        ))}
      </details>
    </>
  );
}

function Steps({ browser }: { readonly browser: BrowserName }): JSX.Element {
  return (
    <ol>
      {GPU_HINTS[browser].steps.map((step) => (
        <li key={step}>
          <Prose text={step} />
        </li>
      ))}
    </ol>
  );
}
