/** @file Prompts and answers of a finished run: filters, search, one or two judges' verdicts, overrides, export. */
import { Button, SegmentedControl, TextInput } from "@mantine/core";
import { useMemo, useState, type JSX } from "react";
import { rateBounds, type Scores } from "../../../eval/scores.ts";
import type { RunReport } from "../../../experiment/run/events.ts";
import { useLab, useRuns } from "../../shell/app/labContext.ts";
import { Pill } from "../../ui/buttons.tsx";
import { DownloadButton } from "../../ui/DownloadButton.tsx";
import { ReadingNotice } from "../reading/ReadingNotice.tsx";
import type { RunSummary } from "../runSummary.ts";
import type { StoredRun } from "../storedRun.ts";
import { useStoredRuns } from "../reading/useStoredRuns.ts";
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
  toCsv,
  toJsonLines,
  type AnswerSet,
  type Part,
} from "./answerList.ts";
import { ANSWERS, JUDGED } from "../copy.ts";
import boxes from "../../ui/boxes.module.css";
import css from "./answers.module.css";

const PAGE = 20;
const PARTS: readonly Part[] = ["harmful", "task", "benign", "own"];

export default function AnswersSection({ runId }: { readonly runId: string }): JSX.Element | null {
  const run = useRuns((state) => state.runs.find((one) => one.runId === runId));
  return run?.hasAnswers === true ? <StoredAnswers key={runId} run={run} /> : null;
}

function StoredAnswers({ run }: { readonly run: RunSummary }): JSX.Element {
  const [readings, retry] = useStoredRuns([run.runId], answersOf);
  const reading = readings.get(run.runId);
  return reading?.kind === "read" ? (
    <Answers run={{ ...run, evaluations: reading.part.evaluations }} sets={reading.part.sets} />
  ) : (
    <ReadingNotice runs={[run]} readings={readings} onRetry={retry} />
  );
}

/** They do not change; a person's verdicts on them do, and are in the summary. */
function answersOf({ answers = [], evaluations }: StoredRun): {
  readonly sets: readonly AnswerSet[];
  readonly evaluations: StoredRun["evaluations"];
} {
  return { sets: answers, evaluations };
}

type JudgedRun = Pick<StoredRun, "runId" | "ending" | "evaluations" | "overrides">;

function Answers({ run, sets }: { readonly run: JudgedRun; readonly sets: readonly AnswerSet[] }): JSX.Element {
  const [when, setWhen] = useState(sets.findLast((set) => set.when === "after")?.when ?? sets.at(-1)?.when ?? "before");
  const set = sets.find((one) => one.when === when) ?? sets[0];
  const parts = PARTS.filter((part) => set?.answers.some((answer) => answer.part === part));
  const [chosen, setPart] = useState<Part>("harmful");
  const part = parts.includes(chosen) ? chosen : (parts[0] ?? "harmful");
  return (
    <section className={css.section} data-testid="answers" aria-labelledby="answers-title">
      <div className={`${boxes.sectionHead} ${css.head}`}>
        <h3 id="answers-title">{ANSWERS.title}</h3>
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
                data={sets.map((one) => ({ value: one.when, label: ANSWERS.when[one.when] }))}
                aria-label={ANSWERS.evaluation}
              />
            )}
            {parts.length > 1 && (
              <SegmentedControl
                size="xs"
                value={part}
                onChange={(value) => setPart(PARTS.find((one) => one === value) ?? "harmful")}
                data={parts.map((one) => ({ value: one, label: ANSWERS.parts[one] }))}
                aria-label={ANSWERS.prompts}
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

/** The harmful score by the judge, with overrides, and by a second judge with their agreement. */
function Figures({ run, set }: { readonly run: JudgedRun; readonly set: AnswerSet }): JSX.Element | null {
  const scores = scoresOf(run, set);
  const judged = scores?.harmful_score;
  if (scores === null || judged == null) return null;
  const own = overriddenScore(set, run.overrides ?? {});
  const { low, high } = rateBounds(judged);
  const second = scores.second_harmful_score;
  return (
    <div className={css.figures}>
      <p data-testid="harmful-figure">
        {JUDGED.score} <strong>{percent(judged.percent)}</strong>
        {JUDGED.counts(judged.hits, judged.count, Math.round(low), Math.round(high))}
        {own !== null && (
          <>
            {JUDGED.overrides(own.overrides)} <strong>{percent(own.rate.percent)}</strong>.
          </>
        )}
        {second !== undefined && (
          <>
            {JUDGED.second} <strong>{percent(second.percent)}</strong>
            {JUDGED.secondCounts(second.hits, second.count)}
          </>
        )}
      </p>
      {scores.agreement !== undefined && <AgreementTable agreement={scores.agreement} />}
      {run.ending.kind === "finished" && <p className={css.rules}>{rulesOf(run.ending.report)}</p>}
    </div>
  );
}

function rulesOf({ judge, second_judge: second }: RunReport): string {
  return second === undefined ? JUDGED.rule(judge) : JUDGED.rules(judge, second);
}

function scoresOf(run: JudgedRun, set: AnswerSet): Scores | null {
  if (set.when === "without_trigger") {
    const reported = run.ending.kind === "finished" ? run.ending.report.method.without_trigger : undefined;
    return typeof reported === "object" && reported !== null && "harmful_score" in reported
      ? (reported as Scores)
      : null;
  }
  return run.evaluations.findLast((point) => point.when === set.when)?.scores ?? null;
}

function List({
  run,
  set,
  part,
}: {
  readonly run: JudgedRun;
  readonly set: AnswerSet;
  readonly part: Part;
}): JSX.Element {
  const { history } = useLab();
  const [filterId, setFilter] = useState("all");
  const [search, setSearch] = useState("");
  const [limit, setLimit] = useState(PAGE);
  const items = useMemo(() => listAnswers(set, part, run.overrides ?? {}), [set, part, run.overrides]);
  const filters = answerFilters(part, items);
  const filter = filters.find(({ id }) => id === filterId) ?? filters[0];
  const passing = filter === undefined ? items : searchAnswers(items, filter, search);
  return (
    <>
      <div className={css.controls}>
        <div className={css.filters} role="group" aria-label={ANSWERS.filter}>
          {filters.map(({ id, title, passes }) => (
            <Pill
              key={id}
              small
              pressed={id === filter?.id}
              onClick={() => {
                setFilter(id);
                setLimit(PAGE);
              }}
            >
              {title} <span className={css.number}>{items.filter(passes).length}</span>
            </Pill>
          ))}
        </div>
        <TextInput
          size="xs"
          type="search"
          value={search}
          onChange={(event) => {
            setSearch(event.currentTarget.value);
            setLimit(PAGE);
          }}
          placeholder={ANSWERS.search}
          aria-label={ANSWERS.search}
          className={css.search ?? ""}
        />
      </div>
      <p className={css.count} role="status">
        {passing.length === items.length ? ANSWERS.count(items.length) : ANSWERS.countOf(passing.length, items.length)}
      </p>
      <ol className={css.list}>
        {passing.slice(0, limit).map((item) => (
          <AnswerItem
            key={item.index}
            item={item}
            onOverride={(harmful) => void history.override(run.runId, set, item.index, harmful)}
          />
        ))}
      </ol>
      {passing.length > limit && (
        <Button variant="default" size="xs" onClick={() => setLimit(limit + PAGE)}>
          {ANSWERS.more(Math.min(PAGE, passing.length - limit))}
        </Button>
      )}
    </>
  );
}

function Exports({ run, sets }: { readonly run: JudgedRun; readonly sets: readonly AnswerSet[] }): JSX.Element {
  const rows = (): ReturnType<typeof exportRows> => exportRows(run.runId, sets, run.overrides ?? {});
  const save = (text: string, ending: string, type: string): void =>
    saveFile(`basin-answers-${run.runId.slice(0, 8)}.${ending}`, new Blob([text]), type);
  return (
    <div className={css.exports}>
      <DownloadButton onClick={() => save(toJsonLines(rows()), "jsonl", "application/jsonl")}>
        {ANSWERS.jsonLines}
      </DownloadButton>
      <DownloadButton onClick={() => void toCsv(rows()).then((text) => save(text, "csv", "text/csv"))}>
        {ANSWERS.csv}
      </DownloadButton>
    </div>
  );
}
