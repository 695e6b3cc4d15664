/** @file How answers are drawn: folded, because greedy is what scores and comparisons rest on. */
import { NumberInput, TagsInput, Textarea } from "@mantine/core";
import { useState, type JSX } from "react";
import type { Sampling } from "../../generate/sampling.ts";
import { useChat } from "../shell/app/labContext.ts";
import { ChevronIcon } from "../ui/icons.tsx";
import { DEFAULT_SETTINGS, samplingText } from "./chatStore.ts";
import css from "./chat.module.css";

interface Dial {
  readonly field: Exclude<keyof Sampling, "seed">;
  readonly label: string;
  readonly help: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
}

const DIALS: readonly Dial[] = [
  { field: "temperature", label: "Temperature", help: "0: always the most likely token", min: 0, max: 10, step: 0.1 },
  { field: "top_k", label: "Top-k", help: "the k most likely; 0: all", min: 0, max: 100_000, step: 1 },
  { field: "top_p", label: "Top-p", help: "the fewest that reach p; 1: all", min: 0, max: 1, step: 0.05 },
  {
    field: "repetition_penalty",
    label: "Repetition penalty",
    help: "above 1: fewer repetitions",
    min: 0.1,
    max: 10,
    step: 0.05,
  },
];

export function SamplingPanel(): JSX.Element {
  const settings = useChat((state) => state.settings);
  const set = useChat((state) => state.setSettings);
  const [open, setOpen] = useState(false);
  const { sampling, maxNewTokens, stop, system } = settings;
  const change = (part: Partial<Sampling>): void => set({ sampling: { ...sampling, ...part } });
  const summary = [
    samplingText(sampling) === "" ? "greedy" : samplingText(sampling),
    `at most ${maxNewTokens} tokens`,
    ...(stop.length > 0 ? [`${stop.length} stop ${stop.length === 1 ? "string" : "strings"}`] : []),
    ...(system.trim() === "" ? [] : ["system message"]),
  ];
  return (
    <div className={css.sampling}>
      <button type="button" className={css.fold} aria-expanded={open} onClick={() => setOpen(!open)}>
        <ChevronIcon />
        Sampling
        <span className={css.summary}>{summary.join(", ")}</span>
      </button>
      {open && (
        <div className={css.dials}>
          {DIALS.map(({ field, label, help, min, max, step }) => (
            <NumberInput
              key={field}
              label={label}
              description={help}
              value={sampling[field]}
              min={min}
              max={max}
              step={step}
              clampBehavior="strict"
              onChange={(value) => typeof value === "number" && change({ [field]: value })}
            />
          ))}
          <NumberInput
            label="Seed"
            description="same seed, same answer"
            value={sampling.seed}
            min={0}
            max={0xffffffff}
            step={1}
            allowDecimal={false}
            disabled={sampling.temperature === 0}
            onChange={(value) => typeof value === "number" && change({ seed: value })}
          />
          <NumberInput
            label="Most tokens"
            description="then the answer is cut"
            value={maxNewTokens}
            min={1}
            max={4096}
            step={16}
            allowDecimal={false}
            onChange={(value) => typeof value === "number" && value >= 1 && set({ maxNewTokens: value })}
          />
          <TagsInput
            className={css.wide}
            label="Stop strings"
            description="an answer ends before the first of these; Enter adds one"
            value={[...stop]}
            onChange={(next) => set({ stop: next })}
            placeholder={stop.length === 0 ? "none" : ""}
            splitChars={[]}
          />
          <Textarea
            className={css.wide}
            label="System message"
            description="said to every model before the first question, where its chat template has a place for it"
            value={system}
            onChange={(event) => set({ system: event.currentTarget.value })}
            autosize
            minRows={1}
            maxRows={6}
          />
          {settings !== DEFAULT_SETTINGS && (
            <button type="button" className={css.reset} onClick={() => set(DEFAULT_SETTINGS)}>
              Back to greedy
            </button>
          )}
        </div>
      )}
    </div>
  );
}
