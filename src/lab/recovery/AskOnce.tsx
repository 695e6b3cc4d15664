/** @file A button that asks for confirmation in place. The keyboard focus moves to the answer that changes nothing. */
import { Button } from "@mantine/core";
import { useEffect, useRef, useState, type JSX, type ReactNode } from "react";
import css from "./recovery.module.css";

interface AskOnceProps {
  readonly label: string;
  /** For screen readers, when the label alone is ambiguous. */
  readonly ariaLabel?: string;
  readonly title?: string;
  readonly icon?: ReactNode;
  readonly words: { readonly question: string; readonly yes: string; readonly no: string };
  readonly loading?: boolean;
  readonly onYes: () => void;
}

export function AskOnce({
  label,
  ariaLabel = label,
  title,
  icon,
  words: { question, yes, no },
  loading = false,
  onYes,
}: AskOnceProps): JSX.Element {
  const [state, setState] = useState<"idle" | "asking" | "cancelled">("idle");
  const first = useRef<HTMLButtonElement>(null);
  const safe = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (state === "asking") safe.current?.focus();
    if (state === "cancelled") first.current?.focus();
  }, [state]);
  if (state !== "asking") {
    return (
      <Button
        ref={first}
        size="xs"
        variant="default"
        leftSection={icon}
        aria-label={ariaLabel}
        title={title}
        loading={loading}
        onClick={() => setState("asking")}
      >
        {label}
      </Button>
    );
  }
  return (
    <span
      className={css.ask}
      role="group"
      aria-label={question}
      onKeyDown={(event) => {
        if (event.key === "Escape") setState("cancelled");
      }}
    >
      <span>{question}</span>
      <Button
        size="xs"
        className={css.yes}
        onClick={() => {
          setState("idle");
          onYes();
        }}
      >
        {yes}
      </Button>
      <Button ref={safe} size="xs" variant="default" onClick={() => setState("cancelled")}>
        {no}
      </Button>
    </span>
  );
}
