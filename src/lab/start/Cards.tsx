/** @file The example experiments: what each shows, how long it takes on this device, and a button to start it. */
import { Autocomplete, Button, type AutocompleteProps, type ButtonProps } from "@mantine/core";
import { useId, useMemo, useState, type ComponentProps, type FormEvent, type JSX, type ReactNode } from "react";
import { resolveSpec, type SpecInput } from "../../experiment/spec/spec.ts";
import { PLAIN } from "../../methods/registry.ts";
import { useDevice, useLab, useRun, useRuns, useSpec, useTable, useView } from "../shell/app/labContext.ts";
import { hubFromText, PAIRS } from "../setup/models/modelNames.ts";
import { basinInput, useBasinRuns, type BasinChoice } from "../basin/choices.ts";
import { BASIN_CARD } from "../basin/copy.ts";
import { PlayIcon } from "../ui/icons.tsx";
import { isActive } from "../run/runState.ts";
import { duration } from "../support/format.ts";
import type { JsonObject } from "../support/json.ts";
import { CARDS, PAIR_CARD, PAPER_CARD, SFT_CARD, SWEEP_CARD, TIME } from "./copy.ts";
import { estimate, type Estimate } from "./estimate.ts";
import { SFT_EXAMPLE, SWEEP_RUNS, ASFT_EXAMPLE, ownPair, PAPER_EXAMPLE, LAMBDA_SWEEP } from "./presets.ts";
import css from "./start.module.css";

/**
 * Milliseconds measured with software adapters on two CPU cores: SwiftShader in Chromium for the small experiment and
 * the sweep (whose runs share the evaluation before training), lavapipe for the paper's 1250 steps.
 */
const REFERENCE_MS = { small: 39_000, sweep: 34_000 * SWEEP_RUNS, paper: 285_000 } as const;

export function Cards(): JSX.Element {
  return (
    <ul className={css.cards} aria-label={CARDS.label}>
      <SftCard />
      <BasinCard />
      <SweepCard />
      <PairCard />
      <PaperCard />
    </ul>
  );
}

/** Why no run can be started now; null when one can. */
function useBlocked(): string | null {
  const device = useDevice();
  const busy = useRun(({ run }) => isActive(run));
  const table = useTable(({ queue }) => queue.kind === "running");
  if (device.kind === "opening") return CARDS.openingGpu;
  if (device.kind === "lost" || device.kind === "missing") return device.failure.what;
  return busy || table ? CARDS.busy : null;
}

/** ID of the text that says why a card's buttons are disabled. */
function blockedId(title: string): string {
  return `blocked-${title.replaceAll(/\W+/g, "-")}`;
}

interface CardButtonProps extends ButtonProps, Pick<ComponentProps<"button">, "title" | "onClick"> {
  /** Title of its card, which says why it is disabled. */
  readonly card: string;
  readonly blocked: string | null;
}

function CardButton({ card, blocked, ...props }: CardButtonProps): JSX.Element {
  return (
    <Button
      variant="default"
      disabled={blocked !== null}
      aria-describedby={blocked === null ? undefined : blockedId(card)}
      {...props}
    />
  );
}

/** Puts a spec into Setup, and with `start` runs it at once. */
function useExample(): (input: SpecInput, start: boolean) => void {
  const lab = useLab();
  const replace = useSpec((state) => state.replace);
  const show = useView((view) => view.show);
  return (input, start) => {
    // Settings that were edited and not run stay until the user answers; the run waits with the question.
    const isWaiting = replace(input as JsonObject, { kind: "start" }, start) === "waiting";
    if (start && isWaiting) return;
    if (start) lab.run.start(resolveSpec(input));
    show(start ? "run" : "setup");
  };
}

function useEstimate(input: SpecInput, reference: number | null): Estimate {
  const device = useDevice();
  const runs = useRuns((state) => state.runs);
  return useMemo(
    () => estimate(resolveSpec(input), device.kind === "ready" ? device.device : null, runs, reference),
    [input, device, runs, reference],
  );
}

function SftCard(): JSX.Element {
  const open = useExample();
  const blocked = useBlocked();
  const runs = useRuns((state) => state.runs);
  const broken = runs.some(
    ({ spec, ending }) =>
      ending.kind === "finished" && spec.name === SFT_EXAMPLE.name && spec.method.name === PLAIN.name,
  );
  return (
    <Card
      title={SFT_CARD.title}
      mark="first"
      time={timeText(useEstimate(SFT_EXAMPLE, REFERENCE_MS.small))}
      blocked={blocked}
      actions={
        <>
          <CardButton
            card={SFT_CARD.title}
            blocked={blocked}
            variant="filled"
            leftSection={<PlayIcon />}
            onClick={() => open(SFT_EXAMPLE, true)}
          >
            {SFT_CARD.start}
          </CardButton>
          <CardButton
            card={SFT_CARD.title}
            blocked={blocked}
            onClick={() => open(ASFT_EXAMPLE, true)}
            title={SFT_CARD.asftHint}
          >
            {broken ? SFT_CARD.nowWithAsft : SFT_CARD.withAsft}
          </CardButton>
        </>
      }
    >
      {SFT_CARD.text}
    </Card>
  );
}

function SweepCard(): JSX.Element {
  const lab = useLab();
  const show = useView((view) => view.show);
  const blocked = useBlocked();
  const one = useEstimate(ASFT_EXAMPLE, REFERENCE_MS.sweep / SWEEP_RUNS);
  const all: Estimate =
    one.kind === "unknown"
      ? one
      : one.kind === "reference"
        ? { ...one, ms: REFERENCE_MS.sweep }
        : { kind: "steps", ms: one.ms * SWEEP_RUNS };
  const startSweep = async (): Promise<void> => {
    await lab.table.edit(LAMBDA_SWEEP as JsonObject);
    void lab.table.start();
    show("table");
  };
  return (
    <Card
      title={SWEEP_CARD.title}
      time={timeText(all)}
      blocked={blocked}
      actions={
        <CardButton
          card={SWEEP_CARD.title}
          blocked={blocked}
          leftSection={<PlayIcon />}
          onClick={() => void startSweep()}
        >
          {SWEEP_CARD.start}
        </CardButton>
      }
    >
      {SWEEP_CARD.text(SWEEP_RUNS)}
    </Card>
  );
}

function BasinCard(): JSX.Element {
  const lab = useLab();
  const show = useView((view) => view.show);
  const blocked = useBlocked();
  const [run] = useBasinRuns();
  const start = (): void => {
    const kind = run === undefined ? "line" : "plane";
    const choice: BasinChoice = { kind, runId: null, points: null, prompts: 12 };
    lab.basin.choice.setState(choice);
    void lab.basin.start(...basinInput(choice, run ?? null, null));
    show("basin");
  };
  return (
    <Card
      title={BASIN_CARD.title}
      time={BASIN_CARD.time(run === undefined ? 21 : 81)}
      blocked={blocked}
      actions={
        <CardButton card={BASIN_CARD.title} blocked={blocked} leftSection={<PlayIcon />} onClick={start}>
          {BASIN_CARD.start}
        </CardButton>
      }
    >
      {BASIN_CARD.text}
    </Card>
  );
}

function PairCard(): JSX.Element {
  const open = useExample();
  const [aligned, setAligned] = useState("");
  const [unaligned, setUnaligned] = useState("");
  const name = hubFromText(aligned, "");
  const twin = hubFromText(unaligned, "");
  const choose = (text: string): void => {
    setAligned(text);
    const known = PAIRS.find((pair) => pair.aligned === text.trim());
    if (known !== undefined) setUnaligned(known.unaligned);
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    open(ownPair(name, twin === "" ? null : twin), false);
  };
  return (
    <li className={css.card}>
      <h3>{PAIR_CARD.title}</h3>
      <p>{PAIR_CARD.text}</p>
      <form onSubmit={submit} className={css.pair}>
        <HubIdField
          label={PAIR_CARD.aligned}
          placeholder={PAIR_CARD.alignedExample}
          value={aligned}
          onChange={choose}
          data={PAIRS.map((pair) => pair.aligned)}
        />
        <HubIdField
          label={PAIR_CARD.unaligned}
          placeholder={PAIR_CARD.unalignedExample}
          value={unaligned}
          onChange={setUnaligned}
          data={PAIRS.map((pair) => pair.unaligned)}
        />
        <p className={css.time}>{PAIR_CARD.time}</p>
        <div className={css.actions}>
          <Button variant="default" type="submit" disabled={name === ""}>
            {PAIR_CARD.submit}
          </Button>
        </div>
      </form>
    </li>
  );
}

type HubIdFieldProps = Pick<AutocompleteProps, "label" | "placeholder" | "value" | "onChange" | "data">;

function HubIdField(props: HubIdFieldProps): JSX.Element {
  const id = useId();
  return <Autocomplete {...props} id={id} size="xs" styles={HUB_ID_STYLES} spellCheck={false} autoCapitalize="off" />;
}

const HUB_ID_STYLES = { input: { fontFamily: "var(--mono)", fontSize: "0.78rem" } };

function PaperCard(): JSX.Element {
  const open = useExample();
  return (
    <Card
      title={PAPER_CARD.title}
      time={timeText(useEstimate(PAPER_EXAMPLE, REFERENCE_MS.paper))}
      blocked={null}
      actions={
        <Button variant="default" onClick={() => open(PAPER_EXAMPLE, false)}>
          {PAPER_CARD.open}
        </Button>
      }
    >
      {PAPER_CARD.text}
    </Card>
  );
}

interface CardProps {
  readonly title: string;
  /** The target of a tour stop (`data-tour`). */
  readonly mark?: string;
  readonly time: string;
  readonly blocked: string | null;
  readonly actions: ReactNode;
  readonly children: ReactNode;
}

function Card({ title, mark, time, blocked, actions, children }: CardProps): JSX.Element {
  return (
    <li className={css.card} data-tour={mark} data-first={mark === "first"}>
      <h3>{title}</h3>
      <p>{children}</p>
      <p className={css.time}>{time}</p>
      <div className={css.actions}>{actions}</div>
      {blocked !== null && (
        <p className={css.blocked} id={blockedId(title)}>
          {blocked}
        </p>
      )}
    </li>
  );
}

function timeText(known: Estimate): string {
  switch (known.kind) {
    case "ran":
      return TIME.ran(rough(known.ms));
    case "steps":
      return TIME.steps(rough(known.ms));
    case "reference":
      return known.software ? TIME.software(rough(known.ms)) : TIME.notMeasured(rough(known.ms));
    case "unknown":
      return CARDS.openingGpu;
  }
}

/** Under a minute in steps of 5 s, then minutes. */
function rough(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 50) return `${Math.max(5, 5 * Math.round(seconds / 5))} s`;
  if (seconds < 90) return TIME.aMinute;
  return seconds < 3600 ? `${Math.round(seconds / 60)} min` : duration(ms);
}
