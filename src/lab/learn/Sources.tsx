/** @file The sources of a page. */
import type { JSX } from "react";
import { SOURCES } from "./copy.ts";
import css from "./learn.module.css";

export interface Source {
  readonly text: string;
  readonly url?: string;
}

export const ASFT: Source = {
  text: SOURCES.asft,
  url: "https://arxiv.org/abs/2506.08473",
};
export const ASFT_CODE: Source = {
  text: SOURCES.asftCode,
  url: "https://github.com/PKU-YuanGroup/AsFT",
};
export const DERIVED: Source = { text: SOURCES.derived };
export const MEASURED: Source = { text: SOURCES.measured };

export const SWEEP: Source = { text: SOURCES.sweep };

export function Sources({ sources }: { readonly sources: readonly Source[] }): JSX.Element {
  return (
    <footer className={css.sources}>
      <h3>{SOURCES.title}</h3>
      <ul>
        {sources.map(({ text, url }) => (
          <li key={text}>
            {url === undefined ? (
              text
            ) : (
              <a href={url} target="_blank" rel="noreferrer">
                {text}
              </a>
            )}
          </li>
        ))}
      </ul>
    </footer>
  );
}
