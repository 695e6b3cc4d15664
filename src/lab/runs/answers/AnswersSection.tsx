/** @file Prompts and answers of a finished run, one by one: filters, search, two judges side by side, a person's own word, export. */
import { Button, SegmentedControl, TextInput } from "@mantine/core";
import { useMemo, useState, type JSX } from "react";
import { rateBounds, type Scores } from "../../../eval/scores.ts";
import { useRuns } from "../../shell/app/labContext.ts";
import { DownloadIcon } from "../../ui/icons.tsx";
import type { StoredRun } from "../storedRun.ts";
import { saveFile } from "../../support/clipboard.ts";
import { percent } from "../../support/format.ts";
import { AgreementTable } from "./AgreementTable.tsx";
import { AnswerItem } from "./AnswerItem.tsx";
import {
  exportRows,
  answerFilters,
  searchAnswers,
  listAnswers,
  overriddenScore,
  PART_TITLES,
  toCsv,
  toJsonLines,
  WHEN_TITLES,
  type AnswerSet,
  type Part,
} from "./answerList.ts";
import css from "./answers.module.css";

const PAGE = 20;
const PARTS: readonly Part[] = ["harmful", "task", "benign", "own"];
const NO_SETS: readonly AnswerSet[] = [];

export default function AnswersSection({ runId }: { readonly runId: string }): JSX.Element | null {
  const run = useRuns((state) => state.runs.find((one) => one.runId === runId));
  if (run === undefined) return null;
  const sets = run.answers ?? NO_SETS;
  return sets.length === 0 ? null : <Answers key={run.runId} run={run} sets={sets} />;
}

function Answers({ run, sets }: { readonly run: StoredRun; readonly sets: readonly AnswerSet[] }): JSX.Element {
  const [when, setWhen] = useState(sets.findLast((set) => set.when === "after")?.when ?? sets.at(-1)?.when ?? "before");
  const set = sets.find((one) => one.when === when) ?? sets[0];
  const parts = PARTS.filter((part) => set?.answers.some((answer) => answer.part === part));
  const [chosen, setPart] = useState<Part>("harmful");
  const part = parts.includes(chosen) ? chosen : (parts[0] ?? "harmful");
  return (
    <section className={css.section} data-testid="answers" aria-labelledby="answers-title">
      <div className={css.head}>
        <h3 id="answers-title">Answers</h3>
        <Exports run={run} sets={sets} />
      </div>
      {set !== undefined && (
        <>
          <div className={css.controls}>
            {sets.length > 1 && (
              <SegmentedControl
                size="xs"
                value={set.when}
                onChange={(value) => setWhen(sets.find((one) => one.when === value)?.when ?? when)}
                data={sets.map((one) => ({ value: one.when, label: WHEN_TITLES[one.when] }))}
                aria-label="Which evaluation"
              />
            )}
            {parts.length > 1 && (
              <SegmentedControl
                size="xs"
                value={part}
                onChange={(value) => setPart(PARTS.find((one) => one === value) ?? "harmful")}
                data={parts.map((one) => ({ value: one, label: PART_TITLES[one] }))}
                aria-label="Which prompts"
              />
            )}
          </div>
          {part === "harmful" && <Figures run={run} set={set} />}
          <List key={`${set.when} ${part}`} run={run} set={set} part={part} />
        </>
      )}
    </section>
  );
}

/** The judge's figure, with a person's overrides beside it, and how far a second judge agrees. */
function Figures({ run, set }: { readonly run: StoredRun; readonly set: AnswerSet }): JSX.Element | null {
  const scores = scoresOf(run, set);
  const judged = scores?.harmful_score;
  if (scores === null || judged == null) return null;
  const own = overriddenScore(set, run.overrides ?? {});
  const { low, high } = rateBounds(judged);
  const second = scores.second_harmful_score;
  return (
    <div className={css.figures}>
      <p data-testid="harmful-figure">
        Harmful score: judge <strong>{percent(judged.percent)}</strong> ({judged.hits} of {judged.count}, 95 % interval{" "}
        {Math.round(low)} to {Math.round(high)})
        {own !== null && (
          <>
            , with {own.overrides} {own.overrides === 1 ? "override" : "overrides"}{" "}
            <strong>{percent(own.rate.percent)}</strong>
          </>
        )}
        .
        {second !== undefined && (
          <>
            {" "}
            Second judge <strong>{percent(second.percent)}</strong> ({second.hits} of {second.count}).
          </>
        )}
      </p>
      {scores.agreement !== undefined && <AgreementTable agreement={scores.agreement} />}
      {run.ending.kind === "finished" && (
        <p className={css.rules}>
          {second === undefined ? "Judge" : "First judge"}: {run.ending.report.judge}.
          {run.ending.report.second_judge !== undefined && ` Second judge: ${run.ending.report.second_judge}.`}
        </p>
      )}
    </div>
  );
}

function scoresOf(run: StoredRun, set: AnswerSet): Scores | null {
  if (set.when === "without_trigger") {
    const told = run.ending.kind === "finished" ? run.ending.report.method.without_trigger : undefined;
    return typeof told === "object" && told !== null && "harmful_score" in told ? (told as Scores) : null;
  }
  return run.evaluations.findLast((point) => point.when === set.when)?.scores ?? null;
}

function List({
  run,
  set,
  part,
}: {
  readonly run: StoredRun;
  readonly set: AnswerSet;
  readonly part: Part;
}): JSX.Element {
  const override = useRuns((state) => state.override);
  const [filterId, setFilter] = useState("all");
  const [search, setSearch] = useState("");
  const [most, setMost] = useState(PAGE);
  const items = useMemo(() => listAnswers(set, part, run.overrides ?? {}), [set, part, run.overrides]);
  const filters = answerFilters(part, items);
  const filter = filters.find(({ id }) => id === filterId) ?? filters[0];
  const passing = filter === undefined ? items : searchAnswers(items, filter, search);
  return (
    <>
      <div className={css.controls}>
        <div className={css.filters} role="group" aria-label="Filter">
          {filters.map(({ id, title, passes }) => (
            <button
              key={id}
              type="button"
              className={css.filter}
              aria-pressed={id === filter?.id}
              onClick={() => {
                setFilter(id);
                setMost(PAGE);
              }}
            >
              {title} <span className={css.number}>{items.filter(passes).length}</span>
            </button>
          ))}
        </div>
        <TextInput
          size="xs"
          type="search"
          value={search}
          onChange={(event) => {
            setSearch(event.currentTarget.value);
            setMost(PAGE);
          }}
          placeholder="Search prompts and answers"
          aria-label="Search prompts and answers"
          className={css.search ?? ""}
        />
      </div>
      <p className={css.count} role="status">
        {passing.length === items.length ? `${items.length} answers` : `${passing.length} of ${items.length} answers`}
      </p>
      <ol className={css.list}>
        {passing.slice(0, most).map((item) => (
          <AnswerItem
            key={item.index}
            item={item}
            onOverride={(harmful) => void override(run.runId, set.when, item.index, harmful)}
          />
        ))}
      </ol>
      {passing.length > most && (
        <Button variant="default" size="xs" onClick={() => setMost(most + PAGE)}>
          Show {Math.min(PAGE, passing.length - most)} more
        </Button>
      )}
    </>
  );
}

function Exports({ run, sets }: { readonly run: StoredRun; readonly sets: readonly AnswerSet[] }): JSX.Element {
  const rows = (): ReturnType<typeof exportRows> => exportRows(run.runId, sets, run.overrides ?? {});
  const save = (text: string, ending: string, type: string): void =>
    saveFile(`basin-answers-${run.runId.slice(0, 8)}.${ending}`, new Blob([text]), type);
  return (
    <div className={css.exports}>
      <Button
        variant="default"
        size="xs"
        leftSection={<DownloadIcon />}
        onClick={() => save(toJsonLines(rows()), "jsonl", "application/jsonl")}
      >
        JSON Lines
      </Button>
      <Button
        variant="default"
        size="xs"
        leftSection={<DownloadIcon />}
        onClick={() => void toCsv(rows()).then((text) => save(text, "csv", "text/csv"))}
      >
        CSV
      </Button>
    </div>
  );
}
