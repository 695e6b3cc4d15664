/** @file What the run takes, and where that is too much, what to lower: each proposal was planned anew and is one click. */
import { Tooltip } from "@mantine/core";
import type { JSX } from "react";
import type { MemoryReport, MemoryVerdict } from "../../experiment/run/events.ts";
import { useSpec } from "../shell/app/labContext.ts";
import type { Json } from "../support/json.ts";
import { bytes } from "../support/format.ts";
import css from "./setup.module.css";

/** More would push the settings off the screen; the first ones cost least. */
const SHOWN = 4;

export function MemoryFigure({ memory }: { readonly memory: MemoryReport }): JSX.Element {
  const lines = [
    `Weights ${bytes(memory.weights)}`,
    `Alignment direction ${bytes(memory.anchor)}`,
    `Adapter with gradients and optimiser ${bytes(memory.adapter)}`,
    `Activations ${bytes(memory.activations)}`,
    `Logits ${bytes(memory.logits)}`,
    `Inputs and staging ${bytes(memory.inputs)}`,
    `Evaluation (KV cache, programs) ${bytes(memory.generation)}`,
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

/** Nothing while the run fits and no layer is recomputed unasked. */
export function MemoryHelp({ verdict }: { readonly verdict: MemoryVerdict }): JSX.Element | null {
  const set = useSpec((state) => state.set);
  const asked = useSpec(({ check }) => check.kind === "valid" && check.spec.train.gradient_checkpointing !== "auto");
  const { obstacle, checkpointing, proposals } = verdict;
  const enough = proposals.filter(({ fits }) => fits);
  const shown = (enough.length > 0 ? enough : proposals).slice(0, SHOWN);
  if (obstacle === null) {
    return checkpointing.on && !asked ? (
      <p className={css.memoryNote}>Layers are recomputed to save memory: {checkpointing.reason}.</p>
    ) : null;
  }
  return (
    <section className={css.memory} data-certain={obstacle.certain} aria-label="Memory" data-testid="memory-help">
      <p>
        <strong>{obstacle.failure.what}.</strong> {obstacle.certain ? "" : "It can start, but may run out of memory. "}
        {shown.length > 0 ? "Lower it:" : "Choose a smaller model."}
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
              <span className={css.proposalSize}>
                {bytes(total)}
                {fits ? "" : ", still too much"}
              </span>
              <span className={css.proposalCost}>{cost}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
