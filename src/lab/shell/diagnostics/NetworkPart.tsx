/** @file What this tab asked of the network, and that it sent nothing: by host, with every address for whoever wants to check. */
import { Button } from "@mantine/core";
import { useState, type JSX } from "react";
import { copyText } from "../../support/clipboard.ts";
import { bytes, count } from "../../support/format.ts";
import { networkLogText, type Host } from "../networkLog/networkLogStore.ts";
import { useNetworkLog } from "./diagnosticsContext.ts";
import css from "./diagnostics.module.css";

export function NetworkPart(): JSX.Element {
  const state = useNetworkLog();
  const [copied, setCopied] = useState(false);
  const { hosts, suspicious } = state;
  const others = hosts.filter(({ own }) => !own);
  const total = hosts.reduce((sum, { requests }) => sum + requests, 0);
  return (
    <div data-testid="network">
      <p className={css.verdict} data-tone={suspicious === 0 ? "good" : "bad"}>
        {suspicious === 0
          ? `Nothing was sent. All ${count(total)} requests of this tab are GET or HEAD without a body, ${others.length === 0 ? "all to the site that the page comes from" : `to the page’s own site and to ${others.length} ${others.length === 1 ? "host" : "hosts"} that you named`}.`
          : `${count(suspicious)} of ${count(total)} requests carried a body, or their method is not known. The list says which.`}
      </p>
      <ul className={css.hosts}>
        {hosts.map((host) => (
          <HostItem key={host.origin} host={host} />
        ))}
      </ul>
      <p className={css.quiet}>
        <Button
          variant="default"
          size="compact-xs"
          onClick={() =>
            void copyText(networkLogText(state)).then(() => {
              setCopied(true);
            })
          }
        >
          {copied ? "Copied" : "Copy the list"}
        </Button>
      </p>
      <Policy />
      <details className={css.more}>
        <summary>What this list cannot see</summary>
        <ul>
          <li>
            What the browser itself asks for: the page’s first file, its service worker, updates. And what browser
            extensions do.
          </li>
          <li>Other tabs, and earlier visits. The list begins anew when the page is loaded.</li>
          <li>
            Addresses are data, too: a host learns which file it is asked for. Every address is in the copied list.
          </li>
          <li>
            It is kept by the page’s own program. For a witness of its own, open the browser’s developer tools under
            “Network”.
          </li>
        </ul>
      </details>
    </div>
  );
}

function HostItem({
  host: { origin, own, requests, bytes: size, methods, token, addresses },
}: {
  readonly host: Host;
}): JSX.Element {
  return (
    <li data-testid="network-host" data-origin={origin}>
      <details>
        <summary>
          <span className={css.host}>{origin.replace(/^https:\/\//, "")}</span>{" "}
          <span className={css.figures}>
            {own ? "this site" : "named by you"}
            {", "}
            {count(requests)} {requests === 1 ? "request" : "requests"} ({methods.join(", ")})
            {size > 0 && `, ${bytes(size)}`}
            {token && ", with your token"}
          </span>
        </summary>
        <ul className={css.addresses}>
          {addresses.slice(-60).map(({ from, method, url, count: times, bytes: each, body }) => (
            <li key={`${from} ${method} ${url}`}>
              <code>{url.slice(origin.length).split("?")[0]}</code>
              {` ${method}${times > 1 ? ` × ${count(times)}` : ""}${each > 0 ? `, ${bytes(each)}` : ""}, ${from}${body ? ", with a body" : ""}`}
            </li>
          ))}
        </ul>
      </details>
    </li>
  );
}

/** The policy that the browser enforces, from the page itself. */
function Policy(): JSX.Element {
  const policy = document.querySelector("meta[http-equiv='Content-Security-Policy']")?.getAttribute("content") ?? null;
  if (policy === null)
    return (
      <p className={css.quiet}>
        This is the development server: the built page has a Content-Security-Policy, this one has none.
      </p>
    );
  return (
    <details className={css.more}>
      <summary>The policy that the browser enforces</summary>
      <ul className={css.policy}>
        {policy.split("; ").map((directive) => (
          <li key={directive}>
            <code>{directive}</code>
          </li>
        ))}
      </ul>
      <p>
        Programs and styles come from this site only, and no form can be sent. Requests may go to any https address,
        because models and data come from wherever you name.
      </p>
    </details>
  );
}
