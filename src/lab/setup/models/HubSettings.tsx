/** @file How the hub is asked: a token for gated models (memory only), and a mirror's address. */
import { PasswordInput, TextInput } from "@mantine/core";
import { useState, type JSX } from "react";
import { HUB_URL } from "../../../weights/hubSource.ts";
import { useLab, useModels } from "../../shell/app/labContext.ts";
import css from "./models.module.css";

const LABEL = { label: { fontWeight: 400, fontSize: "0.84rem" }, description: { fontSize: "0.75rem" } };

export function HubSettings(): JSX.Element {
  const { models } = useLab();
  const hubUrl = useModels((state) => state.hubUrl);
  const hasToken = useModels((state) => state.hasToken);
  const [token, setToken] = useState("");
  // A model that asks for one opens the field.
  const wanted = useModels(({ facts }) =>
    Object.values(facts).some((state) => state.kind === "failed" && /access token/.test(state.failure.fix)),
  );
  const host = hostOf(hubUrl ?? HUB_URL);
  return (
    <details className={css.more} open={wanted || undefined}>
      <summary>
        Token and mirror{hasToken ? ": with token" : ""}
        {hubUrl === null ? "" : `, ${host}`}
      </summary>
      {/* A form of its own would let the browser offer to save the token as a password. */}
      <PasswordInput
        size="sm"
        label="Access token"
        description={`For private models and those that ask for consent. Sent to ${host} only, kept in this tab's memory, gone with a reload.`}
        placeholder="hf_…"
        styles={LABEL}
        value={token}
        autoComplete="off"
        data-1p-ignore
        spellCheck={false}
        onChange={(event) => setToken(event.currentTarget.value)}
        onBlur={() => models.setToken(token)}
        onKeyDown={(event) => {
          if (event.key === "Enter") models.setToken(token);
        }}
      />
      <MirrorField
        key={hubUrl}
        onTaken={() => {
          setToken("");
        }}
      />
    </details>
  );
}

function MirrorField({ onTaken }: { readonly onTaken: () => void }): JSX.Element {
  const { models } = useLab();
  const hubUrl = useModels((state) => state.hubUrl);
  const [text, setText] = useState(hubUrl ?? "");
  const wrong = text.trim() !== "" && !/^https?:\/\/[^/]+/i.test(text.trim());
  const take = (): void => {
    const next = text.trim() === "" ? null : text.trim().replace(/\/+$/, "");
    if (wrong || next === hubUrl) return;
    models.setHubUrl(next);
    onTaken();
  };
  return (
    <TextInput
      size="sm"
      type="url"
      label="Mirror"
      description="Another server with the hub's interface. The page's address may name it, too: ?hubUrl=https://…"
      placeholder={HUB_URL}
      styles={LABEL}
      value={text}
      error={wrong ? "An address begins with https://" : undefined}
      spellCheck={false}
      onChange={(event) => setText(event.currentTarget.value)}
      onBlur={take}
      onKeyDown={(event) => {
        if (event.key === "Enter") take();
      }}
    />
  );
}

function hostOf(address: string): string {
  return URL.canParse(address) ? new URL(address).host : address;
}
