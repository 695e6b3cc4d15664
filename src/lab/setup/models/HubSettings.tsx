/** @file Access to the Hub: a token for gated models (kept in memory only), and the URL of a mirror. */
import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useState, type JSX } from "react";
import { HUB_URL } from "../../../weights/hubSource.ts";
import { useLab, useModels } from "../../shell/app/labContext.ts";
import { useTypedText } from "../../ui/useTypedText.ts";
import { HUB } from "./copy.ts";
import css from "./models.module.css";

const LABEL = { label: { fontWeight: 400, fontSize: "0.84rem" }, description: { fontSize: "0.75rem" } };

export function HubSettings(): JSX.Element {
  const { models } = useLab();
  const hubUrl = useModels((state) => state.hubUrl);
  const hasToken = useModels((state) => state.hasToken);
  // null: not typed in since the field was last empty. A token that was given before is not shown again.
  const [typed, setTyped] = useState<string | null>(null);
  const commit = (): void => {
    if (typed !== null) models.setToken(typed);
  };
  // Open the field if a model needs a token.
  const wanted = useModels(({ facts }) =>
    Object.values(facts).some((state) => state.kind === "failed" && /access token/.test(state.failure.fix)),
  );
  const host = hostOf(hubUrl ?? HUB_URL);
  return (
    <details className={css.more} open={wanted || undefined}>
      <summary>{HUB.summary(hasToken, hubUrl === null ? null : host)}</summary>
      {/* Not inside a form of its own: the browser would offer to save the token as a password. */}
      <PasswordInput
        size="sm"
        label={HUB.token}
        description={HUB.tokenHelp(host)}
        placeholder={hasToken ? HUB.tokenSet : HUB.tokenExample}
        styles={LABEL}
        value={typed ?? ""}
        autoComplete="off"
        data-1p-ignore
        spellCheck={false}
        onChange={(event) => setTyped(event.currentTarget.value)}
        onBlur={commit}
        onKeyDown={(event) => {
          if (event.key === "Enter") commit();
        }}
      />
      {hasToken && (
        <Button
          variant="default"
          size="compact-xs"
          onClick={() => {
            setTyped(null);
            models.setToken("");
          }}
        >
          {HUB.forgetToken}
        </Button>
      )}
      {/* A token belongs to the server that it was entered for. */}
      <MirrorField onChanged={() => setTyped(null)} />
    </details>
  );
}

function MirrorField({ onChanged }: { readonly onChanged: () => void }): JSX.Element {
  const { models, hosts } = useLab();
  const hubUrl = useModels((state) => state.hubUrl);
  const typed = useTypedText({
    value: hubUrl ?? "",
    commit: (text) => {
      const next = text.trim() === "" ? null : text.trim().replace(/\/+$/, "");
      if (next === hubUrl) return;
      if (next !== null) hosts.typedHub(next);
      models.setHubUrl(next);
      onChanged();
    },
    when: "done",
    accepts: isAddress,
  });
  return (
    <TextInput
      {...typed.input}
      size="sm"
      type="url"
      label={HUB.mirror}
      description={HUB.mirrorHelp}
      placeholder={HUB_URL}
      styles={LABEL}
      error={isAddress(typed.text) ? undefined : HUB.mirrorInvalid}
      spellCheck={false}
    />
  );
}

/** Empty text means no mirror. */
function isAddress(text: string): boolean {
  return text.trim() === "" || /^https?:\/\/[^/]+/i.test(text.trim());
}

function hostOf(address: string): string {
  return URL.canParse(address) ? new URL(address).host : address;
}
