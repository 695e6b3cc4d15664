/** @file The settings as JSON text: only the changed fields, or all of them. */
import { Button, SegmentedControl } from "@mantine/core";
import { useState, type JSX } from "react";
import { ReplayButton } from "../runs/replay/ReplayButton.tsx";
import { useSpec } from "../shell/app/labContext.ts";
import { JSON_VIEW } from "./copy.ts";
import field from "./field.module.css";
import css from "./setup.module.css";

export function JsonView(): JSX.Element {
  const draft = useSpec((state) => state.draft);
  const check = useSpec((state) => state.check);
  const typing = useSpec((state) => state.typing);
  const type = useSpec((state) => state.type);
  const endTyping = useSpec((state) => state.endTyping);
  const discard = useSpec((state) => state.discardTyping);
  const [all, setAll] = useState(false);
  const complete = all && check.kind === "valid";
  const text = complete ? JSON.stringify(check.spec, null, 2) : (typing?.text ?? JSON.stringify(draft, null, 2));
  const problems = useProblems();
  return (
    <div className={css.jsonArea}>
      <SegmentedControl
        size="xs"
        value={complete ? "all" : "changed"}
        onChange={(next) => {
          endTyping();
          setAll(next === "all");
        }}
        data={[
          { value: "changed", label: JSON_VIEW.short },
          { value: "all", label: JSON_VIEW.complete, disabled: check.kind === "invalid" },
        ]}
        aria-label={JSON_VIEW.extent}
        style={{ alignSelf: "flex-start" }}
      />
      {/* Above the text: on blur the text is reformatted, and a button below it would move away from the pointer. */}
      <ReplayButton spec={check.kind === "valid" ? check.spec : null} name="basin-replay" />
      <textarea
        className={css.json}
        value={text}
        readOnly={complete}
        spellCheck={false}
        aria-label={JSON_VIEW.label}
        aria-invalid={problems.length > 0}
        rows={Math.min(40, Math.max(16, text.split("\n").length + 1))}
        onChange={(event) => type(event.currentTarget.value)}
        onBlur={endTyping}
      />
      {problems.map((problem) => (
        <p key={problem} className={field.problem} role="alert">
          {problem}
        </p>
      ))}
      {typing?.error != null && (
        <Button variant="default" size="xs" onClick={discard} style={{ alignSelf: "flex-start" }}>
          {JSON_VIEW.discard}
        </Button>
      )}
      <p className={field.help}>{JSON_VIEW.commandLine}</p>
    </div>
  );
}

function useProblems(): readonly string[] {
  const check = useSpec((state) => state.check);
  const error = useSpec(({ typing }) => typing?.error ?? null);
  if (error !== null) return [error];
  return check.kind === "invalid"
    ? check.problems.map(({ path, message, fix }) => JSON_VIEW.problem(path, message, fix))
    : [];
}
