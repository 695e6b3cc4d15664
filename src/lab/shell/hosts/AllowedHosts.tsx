/** @file The hosts that were allowed or refused, to be changed. */
import { Button } from "@mantine/core";
import type { JSX } from "react";
import { useHosts, useLab } from "../app/labContext.ts";
import css from "../diagnostics/diagnostics.module.css";
import { HOSTS } from "./copy.ts";

export function AllowedHosts(): JSX.Element {
  const { hosts } = useLab();
  const allowed = useHosts((state) => state.allowed);
  const refused = useHosts((state) => state.refused);
  const asked = useHosts((state) => state.questions);
  const notAllowed = [...asked, ...refused];
  const isEmpty = allowed.length === 0 && notAllowed.length === 0;
  return (
    <section aria-labelledby="allowed-hosts" data-testid="allowed-hosts">
      <h4 id="allowed-hosts">{HOSTS.title}</h4>
      <p className={css.quiet}>{isEmpty ? HOSTS.none : HOSTS.always}</p>
      {!isEmpty && (
        <ul className={css.addresses}>
          {allowed.map(({ origin, by, token }) => (
            <li key={origin}>
              <code>{origin}</code> {HOSTS.namedBy[by]}
              {token && HOSTS.withToken}{" "}
              <Button
                variant="default"
                size="compact-xs"
                aria-label={HOSTS.revokeOf(origin)}
                onClick={() => hosts.revoke(origin)}
              >
                {HOSTS.revoke}
              </Button>
            </li>
          ))}
          {notAllowed.map((question) => (
            <li key={question.origin}>
              <code>{question.origin}</code> {HOSTS.namedByRefused[question.by]}, {HOSTS.refused}{" "}
              <Button
                variant="default"
                size="compact-xs"
                aria-label={HOSTS.allowOf(question.origin)}
                onClick={() => hosts.allow(question)}
              >
                {HOSTS.allow}
              </Button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
