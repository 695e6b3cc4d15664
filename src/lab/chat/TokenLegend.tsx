/** @file Whether answers are coloured by probability, and what the colours mean. */
import { Switch } from "@mantine/core";
import type { JSX } from "react";
import { useChat } from "../shell/app/labContext.ts";
import { SURPRISES } from "./tokenGroups.ts";
import css from "./tokens.module.css";

export function TokenLegend(): JSX.Element {
  const coloured = useChat((state) => state.coloured);
  const setColoured = useChat((state) => state.setColoured);
  return (
    <div className={css.legend}>
      <Switch
        size="xs"
        label="Colour tokens by probability"
        checked={coloured}
        onChange={(event) => setColoured(event.currentTarget.checked)}
      />
      {coloured ? (
        SURPRISES.map((text, i) => (
          <span key={text} className={css.token} data-surprise={i}>
            {text}
          </span>
        ))
      ) : (
        <span>
          Point at a word of an answer to see how likely it was and what else was; by keyboard: arrow keys within the
          answer.
        </span>
      )}
    </div>
  );
}
