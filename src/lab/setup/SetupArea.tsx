/** @file The experiment as a form or as JSON, with its cost and the Start button below. */
import { Button, SegmentedControl } from "@mantine/core";
import { useEffect, useMemo, useState, type JSX } from "react";
import { useLab, usePlan, useSpec } from "../shell/app/labContext.ts";
import { Pill } from "../ui/buttons.tsx";
import { UndoIcon } from "../ui/icons.tsx";
import { PRESETS, SETUP } from "./copy.ts";
import { Footer } from "./Footer.tsx";
import { Form } from "./Form.tsx";
import { JsonView } from "./JsonView.tsx";
import { planKey } from "./planStore.ts";
import type { SpecOrigin } from "./specStore.ts";
import css from "./setup.module.css";

const PLAN_AFTER_MS = 250;

export function SetupArea(): JSX.Element {
  const [view, setView] = useState<"form" | "json">("form");
  const endTyping = useSpec((state) => state.endTyping);
  usePlanning();
  return (
    <div className={css.setup}>
      {/* A scrolling region must be reachable by keyboard. */}
      <div className={css.scroll} style={{ overflowY: "auto" }} tabIndex={0} role="region" aria-label={SETUP.settings}>
        <Presets />
        <div className={css.views}>
          <SegmentedControl
            size="xs"
            value={view}
            onChange={(next) => {
              if (next === "form") endTyping();
              setView(next === "json" ? "json" : "form");
            }}
            data={[
              { value: "form", label: SETUP.form },
              { value: "json", label: SETUP.json },
            ]}
            aria-label={SETUP.view}
          />
          <UndoReplace />
        </div>
        {view === "form" ? <Form /> : <JsonView />}
      </div>
      <Footer />
    </div>
  );
}

/** Where the settings come from, if not from a preset. */
const ORIGINS: Readonly<Record<Exclude<SpecOrigin["kind"], "preset">, string>> = {
  link: PRESETS.fromLink,
  start: PRESETS.fromStart,
  run: PRESETS.fromRun,
  edited: PRESETS.edited,
};

function Presets(): JSX.Element {
  const { presets } = useLab().codec;
  const origin = useSpec((state) => state.origin);
  const replace = useSpec((state) => state.replace);
  const chosen = origin.kind === "preset" ? presets.find(({ id }) => id === origin.id) : undefined;
  return (
    <div className={css.top}>
      <p className={css.presetLabel} id="presets-label">
        {PRESETS.label}
      </p>
      <div className={css.presets} role="group" aria-labelledby="presets-label">
        {presets.map((preset) => (
          <Pill
            key={preset.id}
            pressed={chosen?.id === preset.id}
            onClick={() => replace(preset.draft, { kind: "preset", id: preset.id })}
          >
            {preset.title}
          </Pill>
        ))}
      </div>
      <p className={css.presetNote}>
        {origin.kind === "preset" ? (chosen?.description ?? PRESETS.edited) : ORIGINS[origin.kind]}
      </p>
    </div>
  );
}

function UndoReplace(): JSX.Element | null {
  const replaced = useSpec((state) => state.replaced);
  const undo = useSpec((state) => state.undoReplace);
  return replaced === null ? null : (
    <Button variant="subtle" size="compact-xs" leftSection={<UndoIcon />} onClick={undo}>
      {SETUP.restoreSettings}
    </Button>
  );
}

/** Plans the run again shortly after the last change of the settings. */
function usePlanning(): void {
  const lab = useLab();
  const check = useSpec((state) => state.check);
  const key = usePlan().key;
  const wanted = useMemo(
    () => (check.kind === "valid" ? { spec: check.spec, key: planKey(check.spec) } : null),
    [check],
  );
  useEffect(() => {
    if (wanted === null || wanted.key === key) return undefined;
    const timer = setTimeout(() => void lab.preview.planFor(wanted.spec, wanted.key), PLAN_AFTER_MS);
    return () => clearTimeout(timer);
  }, [lab, wanted, key]);
}
