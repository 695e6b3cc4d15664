/** @file The table as JSON text. */
import { Button, Textarea } from "@mantine/core";
import { useState, type JSX } from "react";
import { saveFile } from "../support/clipboard.ts";
import { isJsonObject, type JsonObject } from "../support/json.ts";
import { BUILDER } from "./copy.ts";

interface TableJsonProps {
  readonly input: JsonObject;
  readonly onChange: (input: JsonObject) => void;
  readonly locked: boolean;
}

export function TableJson({ input, onChange, locked }: TableJsonProps): JSX.Element {
  const text = JSON.stringify(input, null, 2);
  const [typed, setTyped] = useState(text);
  const [error, setError] = useState<string | null>(null);
  const take = (): void => {
    if (typed === text) return;
    try {
      const value: unknown = JSON.parse(typed);
      setError(isJsonObject(value) ? null : BUILDER.notAnObject);
      if (isJsonObject(value)) onChange(value);
    } catch (cause) {
      setError(cause instanceof Error ? cause.message : String(cause));
    }
  };
  return (
    <>
      <Textarea
        aria-label={BUILDER.jsonLabel}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
        onBlur={take}
        error={error}
        disabled={locked}
        autosize
        minRows={6}
        maxRows={22}
        spellCheck={false}
        styles={{ input: { fontFamily: "var(--mono)", fontSize: "0.78rem", lineHeight: 1.5 } }}
      />
      <Button
        size="compact-xs"
        variant="default"
        onClick={() => saveFile("table.json", new Blob([`${text}\n`]), "application/json")}
      >
        {BUILDER.download}
      </Button>
    </>
  );
}
