/** @file The method of a run: its formula, and what it reports of the run. */
import { percent } from "../../base/format.ts";
import { bindMethod } from "../../methods/registry.ts";
import { FIGURE_TITLES } from "../spec/names.ts";
import type { MethodSpec } from "../spec/spec.ts";
import { METHOD } from "./copy.ts";
import { formulaMarkup } from "./formulaMarkup.ts";
import { markup, type Markup } from "./markup.ts";
import { methodAccount, type MethodAccount } from "./methodAccount.ts";
import { RATES } from "./scoreSection.ts";
import { definitions, scrollTable } from "./tables.ts";

export function methodSection(method: MethodSpec): Markup {
  const { description, formula } = bindMethod(method);
  const { letters, ...drawn } = formula();
  return markup`<h3>${METHOD.title(description.title)}</h3>
<p>${description.summary}</p>
${formulaMarkup(drawn)}
<p class="basis">${letters}</p>`;
}

export function accountSection(method: MethodSpec, log: Readonly<Record<string, unknown>>): Markup | null {
  const { facts, modules, untriggered } = methodAccount(log, bindMethod(method).description);
  if (facts.length === 0 && modules === null && untriggered === null) return null;
  return markup`<h3>${METHOD.account}</h3>
${facts.length > 0 ? definitions(facts) : null}
${untriggered === null ? null : markup`<p>${METHOD.withoutTrigger(ratesText(untriggered))}</p>`}
${modules === null ? null : moduleTable(modules)}`;
}

/** "harmful score 37 % (37/100), task accuracy …". */
function ratesText(scores: NonNullable<MethodAccount["untriggered"]>): string {
  return RATES.flatMap(([name]) => {
    const rate = scores[name];
    if (rate == null) return [];
    return [`${FIGURE_TITLES[name].toLowerCase()} ${percent(rate.percent)} (${rate.hits}/${rate.count})`];
  }).join(", ");
}

function moduleTable({ columns, rows }: NonNullable<MethodAccount["modules"]>): Markup {
  const align = (column: number): Markup | null => (columns[column]?.numeric === true ? markup` class="num"` : null);
  const table = scrollTable(
    METHOD.modules,
    columns.map(({ title }, i) => markup`<th scope="col"${align(i)}>${title}</th>`),
    rows.map((row) => markup`<tr>${row.map((cell, i) => markup`<td${align(i)}>${cell}</td>`)}</tr>`),
  );
  return markup`<details><summary>${METHOD.perModule(rows.length)}</summary>${table}</details>`;
}
