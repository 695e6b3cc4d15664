/** @file The switch that colours tokens by probability, and the legend of the colours. */
import { Switch } from "@mantine/core";
import type { JSX } from "react";
import { useChat } from "../shell/app/labContext.ts";
import { TOKENS } from "./copy.ts";
import css from "./tokens.module.css";

export function TokenLegend(): JSX.Element {
  const coloured = useChat((state) => state.coloured);
  const setColoured = useChat((state) => state.setColoured);
  return (
    <div className={css.legend}>
      <Switch
        size="xs"
        label={TOKENS.colour}
        checked={coloured}
        onChange={(event) => setColoured(event.currentTarget.checked)}
      />
      {coloured ? (
        TOKENS.bands.map((text, i) => (
          <span key={text} className={css.token} data-surprise={i}>
            {text}
          </span>
        ))
      ) : (
        <span>{TOKENS.hint}</span>
      )}
    </div>
  );
}
