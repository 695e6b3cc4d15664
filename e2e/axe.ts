/** @file What axe finds that matters, in sentences. */
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";

/** Violations that are serious or critical; of all rules and the whole page unless some, or a part of it, are named. */
export async function serious(page: Page, { rules, part }: { readonly rules?: string[]; readonly part?: string } = {}): Promise<string[]> {
  const axe = part === undefined ? new AxeBuilder({ page }) : new AxeBuilder({ page }).include(part);
  const { violations } = await (rules === undefined ? axe : axe.withRules(rules)).analyze();
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target.join(" ")} (${failureSummary ?? ""})`).join("; ")}`);
}
