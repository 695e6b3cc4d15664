/** @file Where a page's statements come from. */
import type { JSX } from "react";
import css from "./learn.module.css";

export interface Source {
  readonly text: string;
  readonly url?: string;
}

export const ASFT: Source = {
  text: "AsFT: Anchoring Safety During Fine-Tuning (AAAI 2026), arXiv 2506.08473",
  url: "https://arxiv.org/abs/2506.08473",
};
export const ASFT_CODE: Source = {
  text: "Released code of AsFT, read at commit 07b606e",
  url: "https://github.com/PKU-YuanGroup/AsFT",
};
export const DERIVED: Source = { text: "Where no source is named: Basin’s own algebra, checked by its tests." };
export const MEASURED: Source = {
  text: "Figures of the apothecary world: docs/apothecaryTable/results.md and README.md of this repository; three seeds, 100 held-out harmful requests each, exact judge, a software GPU. One small synthetic world.",
};

export const DIAL: Source = { text: "The lambda dial: docs/lambdaDial/results.md, same setting." };

export function Sources({ sources }: { readonly sources: readonly Source[] }): JSX.Element {
  return (
    <footer className={css.sources}>
      <h3>Sources</h3>
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
