/** @file The requests of this tab, by host and URL, and whether any of them uploaded something. */
import { Button } from "@mantine/core";
import { useState, type JSX } from "react";
import { copyText } from "../../support/clipboard.ts";
import { bytes, count } from "../../support/format.ts";
import { useHosts } from "../app/labContext.ts";
import { AllowedHosts } from "../hosts/AllowedHosts.tsx";
import { HOSTS } from "../hosts/copy.ts";
import { HUB_URL } from "../../../weights/hubSource.ts";
import { NETWORK } from "./copy.ts";
import { networkLogText, type Address, type Host } from "../networkLog/networkLogStore.ts";
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
          ? NETWORK.nothingSent(count(total), others.length)
          : NETWORK.suspicious(count(suspicious), count(total))}
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
          onClick={() => void copyText(networkLogText(state)).then(() => setCopied(true))}
        >
          {copied ? NETWORK.copied : NETWORK.copy}
        </Button>
      </p>
      <AllowedHosts />
      <Policy />
      <details className={css.more}>
        <summary>{NETWORK.limitsTitle}</summary>
        <ul>
          {NETWORK.limits.map((limit) => (
            <li key={limit}>{limit}</li>
          ))}
        </ul>
      </details>
    </div>
  );
}

/** More requests than this are only in the copied list. */
const SHOWN_REQUESTS = 60;

function HostItem({ host }: { readonly host: Host }): JSX.Element {
  const { origin, own, requests, bytes: size, methods, token, addresses } = host;
  const named = useHosts(({ allowed }) => allowed.find((host) => host.origin === origin)?.by);
  const who = own ? NETWORK.ownHost : named === undefined ? whoElse(origin) : HOSTS.namedBy[named];
  return (
    <li data-testid="network-host" data-origin={origin}>
      <details>
        <summary>
          <span className={css.host}>{origin.replace(/^https:\/\//, "")}</span>{" "}
          <span className={css.figures}>
            {who}
            {", "}
            {NETWORK.requests(requests, methods)}
            {size > 0 && `, ${bytes(size)}`}
            {token && NETWORK.withToken}
          </span>
        </summary>
        <ul className={css.addresses}>
          {addresses.slice(-SHOWN_REQUESTS).map((address) => (
            <li key={`${address.from} ${address.method} ${address.url}`}>
              <code>{address.url.slice(origin.length).split("?")[0]}</code> {requestText(address)}
            </li>
          ))}
        </ul>
      </details>
    </li>
  );
}

function whoElse(origin: string): string {
  return origin === HUB_URL ? NETWORK.hub : NETWORK.revokedHost;
}

/** "GET × 3, 1.2 MiB, weights worker". */
function requestText({ from, method, count: times, bytes: size, body }: Address): string {
  const repeated = times > 1 ? ` × ${count(times)}` : "";
  return `${method}${repeated}${size > 0 ? `, ${bytes(size)}` : ""}, ${from}${body ? NETWORK.withBody : ""}`;
}

/** The page's Content-Security-Policy, read from its meta tag. */
function Policy(): JSX.Element {
  const policy = document.querySelector("meta[http-equiv='Content-Security-Policy']")?.getAttribute("content") ?? null;
  if (policy === null) return <p className={css.quiet}>{NETWORK.noPolicy}</p>;
  return (
    <details className={css.more}>
      <summary>{NETWORK.policyTitle}</summary>
      <ul className={css.policy}>
        {policy.split("; ").map((directive) => (
          <li key={directive}>
            <code>{directive}</code>
          </li>
        ))}
      </ul>
      <p>{NETWORK.policy}</p>
    </details>
  );
}
