/** @file Tables and lists of the report. */
import { markup, type Markup } from "./markup.ts";

/** A table that scrolls sideways where it is wider than the page. @param head its cells; @param rows whole `tr`s */
export function scrollTable(label: string, head: Markup | readonly Markup[], rows: readonly (Markup | null)[]): Markup {
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="${label}">
<table><thead><tr>${head}</tr></thead>
<tbody>${rows}</tbody></table></div>`;
}

export function definitions(facts: readonly (readonly [name: string, value: string])[]): Markup {
  return markup`<dl>${facts.map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}
