/** @file The experiment as a form or as JSON, what it will take, and Start. */
import { Button, SegmentedControl, Tooltip } from "@mantine/core";
import { useEffect, useMemo, useState, type JSX } from "react";
import { useLab, usePlan, useRun, useDevice, useSpec } from "../shell/app/labContext.ts";
import { useView } from "../shell/app/viewStore.ts";
import { ChevronIcon, PlayIcon, UndoIcon } from "../ui/icons.tsx";
import { ReplayButton } from "../runs/replay/ReplayButton.tsx";
import { stepSignature } from "../run/runStore.ts";
import { count, duration } from "../support/format.ts";
import { ModelFields } from "./models/ModelFields.tsx";
import { DataFields } from "./DataFields.tsx";
import { EvalFields } from "./EvalFields.tsx";
import { Field } from "./Field.tsx";
import { MemoryFigure, MemoryHelp } from "./MemoryHelp.tsx";
import { MethodFields, MoreMethodFields, useMethodPaths } from "./MethodFields.tsx";
import { planKey } from "./planStore.ts";
import { readiness } from "./readiness.ts";
import { SECTIONS, type Section } from "./sections.ts";
import css from "./setup.module.css";

export function SetupArea(): JSX.Element {
  const [view, setView] = useState<"form" | "json">("form");
  const endTyping = useSpec((state) => state.endTyping);
  usePlanning();
  return (
    <div className={css.setup}>
      {/* A scrolling region must be reachable by keyboard. */}
      <div className={css.scroll} style={{ overflowY: "auto" }} tabIndex={0} role="region" aria-label="Settings">
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
              { value: "form", label: "Form" },
              { value: "json", label: "JSON" },
            ]}
            aria-label="View of the settings"
          />
          <UndoReplace />
        </div>
        {view === "form" ? <Form /> : <JsonView />}
      </div>
      <Footer />
    </div>
  );
}

function Presets(): JSX.Element {
  const { presets } = useLab().codec;
  const origin = useSpec((state) => state.origin);
  const replace = useSpec((state) => state.replace);
  const chosen = origin.kind === "preset" ? presets.find(({ id }) => id === origin.id) : undefined;
  const note =
    chosen?.description ??
    (origin.kind === "link"
      ? "Opened from a link. Press Start to run it as it is."
      : origin.kind === "start"
        ? "Chosen at Start. Any field can be changed."
        : origin.kind === "run"
          ? "The settings of an earlier run."
          : "Your own settings, changed from a preset.");
  return (
    <div className={css.top}>
      <p className={css.presetLabel} id="presets-label">
        Begin with
      </p>
      <div className={css.presets} role="group" aria-labelledby="presets-label">
        {presets.map((preset) => (
          <button
            key={preset.id}
            type="button"
            className={css.preset}
            aria-pressed={chosen?.id === preset.id}
            onClick={() => replace(preset.draft, { kind: "preset", id: preset.id })}
          >
            {preset.title}
          </button>
        ))}
      </div>
      <p className={css.presetNote}>{note}</p>
    </div>
  );
}

function UndoReplace(): JSX.Element | null {
  const replaced = useSpec((state) => state.replaced);
  const undo = useSpec((state) => state.undoReplace);
  return replaced === null ? null : (
    <Button variant="subtle" size="compact-xs" leftSection={<UndoIcon />} onClick={undo}>
      Bring my settings back
    </Button>
  );
}

function Form(): JSX.Element {
  return (
    <form onSubmit={(event) => event.preventDefault()}>
      {SECTIONS.map((section) => (
        <FormSection key={section.id} section={section} />
      ))}
    </form>
  );
}

function FormSection({ section }: { readonly section: Section }): JSX.Element {
  const seldom = useMethodPaths(true);
  const [open, setOpen] = useState(false);
  const problems = useSpec(({ check }) => (check.kind === "invalid" ? check.problems : null));
  const advanced = section.id === "method" ? seldom : section.advanced;
  // A problem in a folded field unfolds it.
  const shown = open || (problems?.some(({ path }) => advanced.includes(path)) ?? false);
  return (
    <section className={css.section} aria-labelledby={`section-${section.id}`}>
      <h2 className={css.sectionTitle} id={`section-${section.id}`}>
        {section.title}
      </h2>
      {section.id === "model" ? (
        <ModelFields />
      ) : section.id === "data" ? (
        <DataFields />
      ) : section.id === "method" ? (
        <MethodFields />
      ) : section.id === "eval" ? (
        <EvalFields />
      ) : (
        section.basic.map((path) => <Field key={path} path={path} />)
      )}
      {advanced.length > 0 && (
        <>
          <button type="button" className={css.more} aria-expanded={shown} onClick={() => setOpen(!shown)}>
            <ChevronIcon />
            {shown ? "Fewer settings" : `${advanced.length} more ${advanced.length === 1 ? "setting" : "settings"}`}
          </button>
          {shown &&
            (section.id === "method" ? <MoreMethodFields /> : advanced.map((path) => <Field key={path} path={path} />))}
        </>
      )}
    </section>
  );
}

function JsonView(): JSX.Element {
  const draft = useSpec((state) => state.draft);
  const check = useSpec((state) => state.check);
  const typing = useSpec((state) => state.typing);
  const type = useSpec((state) => state.type);
  const endTyping = useSpec((state) => state.endTyping);
  const discard = useSpec((state) => state.discardTyping);
  const [whole, setWhole] = useState(false);
  const complete = whole && check.kind === "valid";
  const text = complete ? JSON.stringify(check.spec, null, 2) : (typing?.text ?? JSON.stringify(draft, null, 2));
  const problems =
    typing?.error != null
      ? [typing.error]
      : check.kind === "invalid"
        ? check.problems.map(({ path, message, fix }) => `${path === "" ? "" : `${path}: `}${message}. ${fix}`)
        : [];
  return (
    <div className={css.jsonArea}>
      <SegmentedControl
        size="xs"
        value={complete ? "whole" : "short"}
        onChange={(next) => {
          endTyping();
          setWhole(next === "whole");
        }}
        data={[
          { value: "short", label: "What is set" },
          { value: "whole", label: "With every default", disabled: check.kind === "invalid" },
        ]}
        aria-label="How much of the spec"
        style={{ alignSelf: "flex-start" }}
      />
      {/* Above the text: leaving the text tidies it, and what stands below would move away from under the pointer. */}
      <ReplayButton spec={check.kind === "valid" ? check.spec : null} name="basin-replay" />
      <textarea
        className={css.json}
        value={text}
        readOnly={complete}
        spellCheck={false}
        aria-label="The spec as JSON"
        aria-invalid={problems.length > 0}
        rows={Math.min(40, Math.max(16, text.split("\n").length + 1))}
        onChange={(event) => type(event.currentTarget.value)}
        onBlur={endTyping}
      />
      {problems.map((problem) => (
        <p key={problem} className={css.problem} role="alert">
          {problem}
        </p>
      ))}
      {typing?.error != null && (
        <Button variant="default" size="xs" onClick={discard} style={{ alignSelf: "flex-start" }}>
          Discard the text
        </Button>
      )}
      <p className={css.help}>The command line runs the same document: npx basin run spec.json --out run</p>
    </div>
  );
}

/** Keeps the plan in step with the spec, a moment after the last change. */
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
    const timer = setTimeout(() => void lab.planFor(wanted.spec, wanted.key), 250);
    return () => clearTimeout(timer);
  }, [lab, wanted, key]);
}

function Footer(): JSX.Element {
  const lab = useLab();
  const show = useView((view) => view.show);
  const plan = usePlan();
  const check = useSpec((state) => state.check);
  const typing = useSpec((state) => state.typing);
  const run = useRun((state) => state.run);
  const measured = useRun((state) => state.measured);
  const device = useDevice();
  const ready = readiness({ check, typing, device, run, plan });
  const planned =
    plan.kind === "planned" && check.kind === "valid" && plan.key === planKey(check.spec) ? plan.plan : null;
  const sameStep = measured !== null && check.kind === "valid" && measured.signature === stepSignature(check.spec);
  return (
    <div className={css.footer}>
      <dl className={css.cost}>
        <div>
          <dt>Memory</dt>
          <dd>{planned === null ? "\u2013" : <MemoryFigure memory={planned.memory} />}</dd>
        </div>
        <div>
          <dt>Steps</dt>
          <dd>{planned === null ? "\u2013" : count(planned.totalSteps)}</dd>
        </div>
        <div>
          <dt>Trainable</dt>
          <dd>{planned === null ? "\u2013" : count(planned.trainableParameters)}</dd>
        </div>
        <div>
          <dt>Training time</dt>
          <dd>
            {planned !== null && sameStep ? (
              `≈ ${duration(measured.ms * planned.totalSteps)}`
            ) : (
              <Tooltip label="Known once a step with these settings has been measured on this device.">
                <span tabIndex={0}>not measured</span>
              </Tooltip>
            )}
          </dd>
        </div>
      </dl>
      {planned !== null && <MemoryHelp verdict={planned.verdict} />}
      <Button
        fullWidth
        size="md"
        leftSection={<PlayIcon />}
        disabled={ready.kind !== "ready"}
        aria-describedby="readiness"
        onClick={() => {
          if (ready.kind !== "ready") return;
          lab.start(ready.spec);
          show("run");
        }}
      >
        Start the run
      </Button>
      <p className={css.reason} id="readiness" role="status">
        {ready.kind === "ready" && "Ready. Everything runs on this machine; nothing is uploaded."}
        {ready.kind === "soon" && `${ready.reason} …`}
        {ready.kind === "blocked" && (
          <>
            <strong>{sentence(ready.reason)}</strong> {ready.fix}
          </>
        )}
      </p>
    </div>
  );
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
