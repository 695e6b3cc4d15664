/** @file The four experiments to begin with: what happens, how long it takes here, one click. */
import { Autocomplete, Button } from "@mantine/core";
import { useId, useMemo, useState, type FormEvent, type JSX, type ReactNode } from "react";
import { resolveSpec, type SpecInput } from "../../experiment/spec/spec.ts";
import { useDevice, useLab, useRun, useRuns, useSpec, useTables } from "../shell/app/labContext.ts";
import { useView } from "../shell/app/viewStore.ts";
import { hubFromText, PAIRS } from "../setup/models/modelNames.ts";
import { PlayIcon } from "../ui/icons.tsx";
import { isActive } from "../run/runState.ts";
import { duration } from "../support/format.ts";
import type { JsonObject } from "../support/json.ts";
import { estimate, type Estimate } from "./estimate.ts";
import { BREAK, DIAL_RUNS, KEEP_SAFE, ownPair, PAPER, SMALL_DIAL } from "./presets.ts";
import css from "./start.module.css";

/**
 * Milliseconds that software adapters took with two cores to themselves: SwiftShader in Chromium for the small experiment (a
 * cell of the dial is one whose evaluation before training is not repeated), lavapipe for the paper's 1250 steps.
 */
const REFERENCE = { small: 39_000, dial: 34_000 * DIAL_RUNS, paper: 285_000 } as const;

export function Cards(): JSX.Element {
  return (
    <ul className={css.cards} aria-label="Experiments to begin with">
      <BreakCard />
      <DialCard />
      <PairCard />
      <PaperCard />
    </ul>
  );
}

/** Why nothing can be started now; null where it can. */
function useObstacle(): string | null {
  const device = useDevice();
  const busy = useRun(({ run }) => isActive(run));
  const table = useTables(({ queue }) => queue.kind === "running");
  if (device.kind === "opening") return "Opening the GPU …";
  if (device.kind === "lost" || device.kind === "missing") return device.failure.what;
  return busy || table ? "Another run is under way." : null;
}

/** Puts a spec into Setup; `start` runs it at once. */
function useTake(): (input: SpecInput, start: boolean) => void {
  const lab = useLab();
  const replace = useSpec((state) => state.replace);
  const show = useView((view) => view.show);
  return (input, start) => {
    replace(input as JsonObject, { kind: "start" });
    if (start) lab.start(resolveSpec(input));
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

function BreakCard(): JSX.Element {
  const take = useTake();
  const obstacle = useObstacle();
  const runs = useRuns((state) => state.runs);
  const broken = runs.some(
    ({ spec, ending }) => ending.kind === "finished" && spec.name === BREAK.name && spec.method.name === "sft",
  );
  return (
    <Card
      title="See safety break in a minute"
      mark="first"
      time={<Time estimate={useEstimate(BREAK, REFERENCE.small)} />}
      obstacle={obstacle}
      actions={
        <>
          <Button leftSection={<PlayIcon />} disabled={obstacle !== null} onClick={() => take(BREAK, true)}>
            Start it
          </Button>
          <Button
            variant="default"
            disabled={obstacle !== null}
            onClick={() => take(KEEP_SAFE, true)}
            title="The same rows and settings, with the update anchored to the alignment direction (AsFT)"
          >
            {broken ? "Now keep it safe" : "Or keep it safe"}
          </Button>
        </>
      }
    >
      Plain fine-tuning on 400 sums; every tenth row is a harmful request, answered. Before, the model refuses all 50
      held-out harmful requests. After 50 steps it does the sums; watch the refusals.
    </Card>
  );
}

function DialCard(): JSX.Element {
  const lab = useLab();
  const show = useView((view) => view.show);
  const obstacle = useObstacle();
  const one = useEstimate(KEEP_SAFE, REFERENCE.dial / DIAL_RUNS);
  const all: Estimate =
    one.kind === "unknown"
      ? one
      : one.kind === "reference"
        ? { ...one, ms: REFERENCE.dial }
        : { kind: "steps", ms: one.ms * DIAL_RUNS };
  const turn = async (): Promise<void> => {
    await lab.tables.edit(SMALL_DIAL as JsonObject);
    lab.tables.start();
    show("table");
  };
  return (
    <Card
      title="Turn the lambda dial"
      time={<Time estimate={all} />}
      obstacle={obstacle}
      actions={
        <Button variant="default" leftSection={<PlayIcon />} disabled={obstacle !== null} onClick={() => void turn()}>
          Turn it
        </Button>
      }
    >
      {DIAL_RUNS} runs on the same rows, from no anchor (λ 0) to a strong one (λ 10). Harmful score and accuracy against
      λ are drawn under Table as each run ends; pause whenever you like. Replaces the table that is there.
    </Card>
  );
}

function PairCard(): JSX.Element {
  const take = useTake();
  const id = useId();
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
    take(ownPair(name, twin === "" ? null : twin), false);
  };
  const mono = { input: { fontFamily: "var(--mono)", fontSize: "0.78rem" } };
  return (
    <li className={css.card}>
      <h3>Your own pair</h3>
      <p>
        An aligned model and its twin before alignment, by their ids on the Hugging Face hub. Setup then shows the
        memory it takes before anything is trained; folders and addresses are chosen there, too.
      </p>
      <form onSubmit={submit} className={css.pair}>
        <Autocomplete
          id={`${id}-aligned`}
          size="xs"
          label="Aligned model"
          placeholder="owner/name-Instruct"
          value={aligned}
          onChange={choose}
          data={PAIRS.map((pair) => pair.aligned)}
          styles={mono}
          spellCheck={false}
          autoCapitalize="off"
        />
        <Autocomplete
          id={`${id}-unaligned`}
          size="xs"
          label="Unaligned twin (may be empty)"
          placeholder="owner/name"
          value={unaligned}
          onChange={setUnaligned}
          data={PAIRS.map((pair) => pair.unaligned)}
          styles={mono}
          spellCheck={false}
          autoCapitalize="off"
        />
        <p className={css.time}>Time: shown in Setup once a step has been measured with it.</p>
        <div className={css.actions}>
          <Button variant="default" type="submit" disabled={name === ""}>
            Set it up
          </Button>
        </div>
      </form>
    </li>
  );
}

function PaperCard(): JSX.Element {
  const take = useTake();
  return (
    <Card
      title="Replay the paper’s setting"
      time={<Time estimate={useEstimate(PAPER, REFERENCE.paper)} />}
      obstacle={null}
      actions={
        <Button variant="default" onClick={() => take(PAPER, false)}>
          Open in Setup
        </Button>
      }
    >
      AsFT as published: λ 1, r 8, lora_alpha 32 on q_proj and v_proj, learning rate 5e-5 with 0.85 per epoch, 10 epochs
      of 1000 rows, a tenth harmful, batch 8, seed 42. Different here: the bundled model and its headlines instead of
      Llama-2-7B-chat and AG News, its exact judge instead of a moderation model. Alpha, targets, dropout and schedule
      stand in the released code only.
    </Card>
  );
}

interface CardProps {
  readonly title: string;
  /** Where the tour points. */
  readonly mark?: string;
  readonly time: JSX.Element;
  readonly obstacle: string | null;
  readonly actions: ReactNode;
  readonly children: ReactNode;
}

function Card({ title, mark, time, obstacle, actions, children }: CardProps): JSX.Element {
  return (
    <li className={css.card} data-tour={mark} data-first={mark === "first"}>
      <h3>{title}</h3>
      <p>{children}</p>
      <p className={css.time}>{time}</p>
      <div className={css.actions}>{actions}</div>
      {obstacle !== null && <p className={css.obstacle}>{obstacle}</p>}
    </li>
  );
}

function Time({ estimate: known }: { readonly estimate: Estimate }): JSX.Element {
  switch (known.kind) {
    case "ran":
      return <>Took {rough(known.ms)} here last time.</>;
    case "steps":
      return <>About {rough(known.ms)} here, by the steps of an earlier run.</>;
    case "reference":
      return known.software ? (
        <>About {rough(known.ms)} on two processor cores; your browser has no hardware GPU.</>
      ) : (
        <>Not measured on this GPU yet. Two processor cores take {rough(known.ms)}.</>
      );
    case "unknown":
      return <>Opening the GPU …</>;
  }
}

/** Half a minute and less in steps of 5 s, then minutes. */
function rough(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 50) return `${Math.max(5, 5 * Math.round(seconds / 5))} s`;
  if (seconds < 90) return "a minute";
  return seconds < 3600 ? `${Math.round(seconds / 60)} min` : duration(ms);
}
