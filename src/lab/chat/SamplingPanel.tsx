/** @file Sampling settings, folded by default: scores and comparisons use greedy answers. */
import { NumberInput, TagsInput, Textarea } from "@mantine/core";
import { useState, type JSX } from "react";
import type { Sampling } from "../../generate/sampling.ts";
import { useChat } from "../shell/app/labContext.ts";
import { ChevronIcon } from "../ui/icons.tsx";
import { SAMPLING } from "./copy.ts";
import { DEFAULT_SETTINGS, samplingText } from "./chatStore.ts";
import css from "./chat.module.css";

interface NumberField {
  readonly field: Exclude<keyof Sampling, "seed">;
  readonly min: number;
  readonly max: number;
  readonly step: number;
}

const NUMBER_FIELDS: readonly NumberField[] = [
  { field: "temperature", min: 0, max: 10, step: 0.1 },
  { field: "top_k", min: 0, max: 100_000, step: 1 },
  { field: "top_p", min: 0, max: 1, step: 0.05 },
  { field: "repetition_penalty", min: 0.1, max: 10, step: 0.05 },
];

const { fields: FIELDS } = SAMPLING;

export function SamplingPanel(): JSX.Element {
  const settings = useChat((state) => state.settings);
  const set = useChat((state) => state.setSettings);
  const [open, setOpen] = useState(false);
  const { sampling, maxNewTokens, stop, system } = settings;
  const change = (part: Partial<Sampling>): void => set({ sampling: { ...sampling, ...part } });
  const summary = [
    samplingText(sampling) === "" ? SAMPLING.greedy : samplingText(sampling),
    SAMPLING.maxTokens(maxNewTokens),
    ...(stop.length > 0 ? [SAMPLING.stopStrings(stop.length)] : []),
    ...(system.trim() === "" ? [] : [SAMPLING.systemMessage]),
  ];
  return (
    <div className={css.sampling}>
      <button type="button" className={css.fold} aria-expanded={open} onClick={() => setOpen(!open)}>
        <ChevronIcon />
        {SAMPLING.title}
        <span className={css.summary}>{summary.join(", ")}</span>
      </button>
      {open && (
        <div className={css.samplingFields}>
          {NUMBER_FIELDS.map(({ field, min, max, step }) => (
            <NumberInput
              key={field}
              label={FIELDS[field].label}
              description={FIELDS[field].help}
              value={sampling[field]}
              min={min}
              max={max}
              step={step}
              clampBehavior="strict"
              onChange={(value) => typeof value === "number" && change({ [field]: value })}
            />
          ))}
          <NumberInput
            label={FIELDS.seed.label}
            description={FIELDS.seed.help}
            value={sampling.seed}
            min={0}
            max={0xffffffff}
            step={1}
            allowDecimal={false}
            disabled={sampling.temperature === 0}
            onChange={(value) => typeof value === "number" && change({ seed: value })}
          />
          <NumberInput
            label={FIELDS.maxNewTokens.label}
            description={FIELDS.maxNewTokens.help}
            value={maxNewTokens}
            min={1}
            max={4096}
            step={16}
            allowDecimal={false}
            onChange={(value) => typeof value === "number" && value >= 1 && set({ maxNewTokens: value })}
          />
          <TagsInput
            className={css.wide}
            label={FIELDS.stop.label}
            description={FIELDS.stop.help}
            value={[...stop]}
            onChange={(next) => set({ stop: next })}
            placeholder={stop.length === 0 ? SAMPLING.none : ""}
            splitChars={[]}
          />
          <Textarea
            className={css.wide}
            label={FIELDS.system.label}
            description={FIELDS.system.help}
            value={system}
            onChange={(event) => set({ system: event.currentTarget.value })}
            autosize
            minRows={1}
            maxRows={6}
          />
          {settings !== DEFAULT_SETTINGS && (
            <button type="button" className={css.reset} onClick={() => set(DEFAULT_SETTINGS)}>
              {SAMPLING.reset}
            </button>
          )}
        </div>
      )}
    </div>
  );
}
