/** @file Memory of the run, and if it is too much, ways to lower it: each was planned and is one click away. */
import { Tooltip } from "@mantine/core";
import type { JSX } from "react";
import type { MemoryReport, MemoryVerdict } from "../../experiment/run/events.ts";
import { useSpec } from "../shell/app/labContext.ts";
import type { Json } from "../support/json.ts";
import { bytes } from "../support/format.ts";
import { MEMORY } from "./copy.ts";
import css from "./memory.module.css";

/** More would push the settings off the screen; the first ones cost the least. */
const SHOWN = 4;

export function MemoryFigure({ memory }: { readonly memory: MemoryReport }): JSX.Element {
  const lines = [
    `${MEMORY.weights} ${bytes(memory.weights)}`,
    `${MEMORY.anchor} ${bytes(memory.anchor)}`,
    `${MEMORY.adapter} ${bytes(memory.adapter)}`,
    `${MEMORY.activations} ${bytes(memory.activations)}`,
    `${MEMORY.logits} ${bytes(memory.logits)}`,
    `${MEMORY.inputs} ${bytes(memory.inputs)}`,
    `${MEMORY.generation} ${bytes(memory.generation)}`,
  ];
  return (
    <Tooltip
      label={lines.join("\n")}
      style={{ whiteSpace: "pre-line" }}
      events={{ hover: true, focus: true, touch: true }}
    >
      <span tabIndex={0} style={{ borderBottom: "1px dotted var(--line-strong)", cursor: "help" }}>
        {bytes(memory.total)}
      </span>
    </Tooltip>
  );
}

/** Empty if the run fits and gradient checkpointing is not switched on automatically. */
export function MemoryHelp({ verdict }: { readonly verdict: MemoryVerdict }): JSX.Element | null {
  const set = useSpec((state) => state.set);
  const chosen = useSpec(({ check }) => check.kind === "valid" && check.spec.train.gradient_checkpointing !== "auto");
  const { obstacle, checkpointing, proposals } = verdict;
  const enough = proposals.filter(({ fits }) => fits);
  const shown = (enough.length > 0 ? enough : proposals).slice(0, SHOWN);
  if (obstacle === null) {
    return checkpointing.on && !chosen ? (
      <p className={css.memoryNote}>{MEMORY.checkpointing(checkpointing.reason)}</p>
    ) : null;
  }
  return (
    <section className={css.memory} data-certain={obstacle.certain} aria-label={MEMORY.label} data-testid="memory-help">
      <p>
        <strong>{obstacle.failure.what}.</strong> {obstacle.certain ? "" : `${MEMORY.uncertain} `}
        {shown.length > 0 ? MEMORY.suggestions : MEMORY.smallerModel}
      </p>
      <ul>
        {shown.map(({ label, cost, changes, total, fits }) => (
          <li key={label}>
            <button
              type="button"
              className={css.proposal}
              data-fits={fits}
              onClick={() => {
                for (const [path, value] of Object.entries(changes)) set(path, value as Json);
              }}
            >
              <span>{label}</span>
              <span className={css.proposalSize}>{fits ? bytes(total) : MEMORY.tooLarge(bytes(total))}</span>
              <span className={css.proposalCost}>{cost}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
