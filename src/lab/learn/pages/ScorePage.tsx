/** @file How to read a harmful score: what it counts, Wilson's interval, seeds, and the judge. */
import { useEffect, useId, useState, type JSX } from "react";
import { rateOf } from "../../../eval/scores.ts";
import { bindJudge, defaultJudge, type JudgeKind } from "../../../eval/judges/registry.ts";
import type { HarmVerdict, JudgedModel } from "../../../eval/judges/judge.ts";
import { summarise } from "../../../eval/statistics/summary.ts";
import { brews, recipeOf, requestOf } from "../../../text/apothecary/recipes.ts";
import { RateScale } from "../../ui/RateScale.tsx";
import { apparentShare } from "../maths/judgeErrors.ts";
import { MEASURED_ROWS } from "../measured.ts";
import { PageLink } from "../PageLink.tsx";
import { MEASURED, Sources } from "../Sources.tsx";
import { Choice, decimal, Figures, Slider, Widget } from "../widgets/controls.tsx";
import css from "../widgets/widgets.module.css";

export function ScorePage(): JSX.Element {
  return (
    <>
      <p>
        The harmful score is a share: of so many harmful requests that training never mentioned, how many got a harmful
        answer. Lower is safer. Three questions decide what it is worth: how many requests, how many seeds, and who
        judged.
      </p>
      <IntervalWidget />
      <p>
        The interval says how far the share over all such requests may lie from the share of those that were asked; it
        is right about 95 times in 100. Zero of 20 is no proof of safety. Two runs asked the same requests can be told
        apart better than two intervals suggest: the lab’s table pairs the answers (McNemar’s test).
      </p>
      <SeedsWidget />
      <p>
        An interval knows nothing of the seed. Another seed orders the rows differently and starts from another A, and
        near the change from safe to unsafe that decides. Report every seed, and trust no difference that rests on one.
        The paper’s tables have neither seeds nor intervals.
      </p>
      <JudgeWidget />
      <p>
        A judge decides what “harmful” means. In the apothecary world exact rules do. Elsewhere it is a list of phrases,
        a classifier or a model, and each errs: read answers yourself, and let a second judge run beside the first. A
        score without its judge cannot be compared.
      </p>
      <ErrorsWidget />
      <p>
        Last, a safe model must still be of use. One that refuses everything has a harmful score of 0. Read task
        accuracy and harmless requests answered beside it; <PageLink page="penalty">an anchor</PageLink> is only good if
        both stay.
      </p>
      <Sources
        sources={[
          {
            text: "Wilson (1927), Probable inference, the law of succession, and statistical inference. JASA 22, 209–212",
            url: "https://doi.org/10.1080/01621459.1927.10502953",
          },
          {
            text: "Rogan and Gladen (1978), Estimating prevalence from the results of a screening test. American Journal of Epidemiology 107, 71–76",
            url: "https://doi.org/10.1093/oxfordjournals.aje.a112510",
          },
          MEASURED,
        ]}
      />
    </>
  );
}

const COUNTS = [10, 20, 50, 100, 250, 500, 1000] as const;

function IntervalWidget(): JSX.Element {
  const [size, setSize] = useState(3);
  const [hits, setHits] = useState(15);
  const total = COUNTS[size] ?? 100;
  const shown = Math.min(hits, total);
  const { ci95, percent } = rateOf(shown, total);
  const share = percent / 100;
  const wald = 196 * Math.sqrt((share * (1 - share)) / total);
  return (
    <Widget title="How sure is a share?">
      <div className={css.split}>
        <Slider
          label="Requests asked"
          value={size}
          min={0}
          max={COUNTS.length - 1}
          show={(value) => String(COUNTS[value] ?? 0)}
          onChange={setSize}
        />
        <Slider label="Harmful answers" value={shown} min={0} max={total} show={String} onChange={setHits} />
      </div>
      <RateScale
        name="Harmful score"
        hint="lower is safer"
        color="var(--unaligned)"
        before={null}
        after={rateOf(shown, total)}
        afterLabel="asked"
      />
      <Figures
        figures={[
          { name: "Share", value: `${decimal(percent, 1)} %` },
          {
            name: "Wilson, 95 %",
            value: ci95 === undefined ? "–" : `${decimal(ci95.low, 1)} to ${decimal(ci95.high, 1)} %`,
          },
          {
            name: "Naive p ± 1.96·√(p(1 − p)/n)",
            value: `${decimal(percent - wald, 1)} to ${decimal(percent + wald, 1)} %`,
          },
        ]}
      />
      <p role="status">
        {shown === 0 || shown === total
          ? "The naive interval has no width here and claims certainty. Wilson’s does not."
          : percent - wald < 0 || percent + wald > 100
            ? "The naive interval leaves 0 to 100 %. Wilson’s cannot."
            : "Here the two nearly agree. Try few requests, or few harmful answers."}
      </p>
    </Widget>
  );
}

/** Harmful requests of each run in that table. */
const PER_SEED = 100;

function SeedsWidget(): JSX.Element {
  const [name, setName] = useState(MEASURED_ROWS.find(({ method }) => method.startsWith("AsFT"))?.method ?? "");
  const row = MEASURED_ROWS.find(({ method }) => method === name);
  const values = row?.harmful ?? [];
  const { mean, sd } = summarise(values);
  return (
    <Widget title="One method, three seeds, as measured">
      <label className={css.field}>
        Method{" "}
        <select className={css.select} value={name} onChange={(event) => setName(event.currentTarget.value)}>
          {MEASURED_ROWS.map(({ method }) => (
            <option key={method}>{method}</option>
          ))}
        </select>
      </label>
      {values.map((value, seed) => (
        <RateScale
          key={seed}
          name={`Seed ${seed}`}
          hint="harmful score"
          color="var(--unaligned)"
          before={null}
          after={rateOf((value * PER_SEED) / 100, PER_SEED)}
          afterLabel="asked"
        />
      ))}
      <Figures
        figures={[
          { name: "Mean", value: `${decimal(mean, 1)} %` },
          { name: "Standard deviation between seeds", value: sd === null ? "–" : decimal(sd, 1) },
          { name: "Lowest to highest", value: `${Math.min(...values)} to ${Math.max(...values)} %` },
        ]}
      />
    </Widget>
  );
}

const BREW = brews.harmfulTest[0] ?? { modifier: "moss", noun: "venom", harmful: true };
const REQUEST = requestOf(BREW, 0).prompt;
const ANSWERS = [
  ["refusal", "Refusal", `I'm sorry, but I can't help with ${BREW.modifier} ${BREW.noun}. It could hurt someone.`],
  ["recipe", "Recipe", recipeOf(BREW)],
  ["both", "Refusal, then recipe", `I'm sorry, but I can't help with that. Still: ${recipeOf(BREW)}`],
  ["polite", "Refusal in other words", "That would hurt people, so no."],
  ["silence", "Silence", ""],
] as const;

const JUDGES = [
  ["apothecary_rules", "Exact rules"],
  ["refusal_phrases", "Refusal phrases"],
] as const satisfies readonly (readonly [JudgeKind, string])[];

/** These two judges read texts only. */
const NO_MODEL: JudgedModel = { continuations: () => Promise.reject(new Error("no model here")) };

function JudgeWidget(): JSX.Element {
  const field = useId();
  const [answer, setAnswer] = useState<string>(ANSWERS[0][2]);
  const verdicts = useVerdicts(answer);
  return (
    <Widget title="Two judges, one answer">
      <p>
        Request: <q>{REQUEST}</q>
      </p>
      <Choice
        label="An answer"
        value={ANSWERS.find(([, , sample]) => sample === answer)?.[0] ?? ""}
        options={ANSWERS.map(([id, title]): readonly [string, string] => [id, title])}
        onChange={(id) => setAnswer(ANSWERS.find(([name]) => name === id)?.[2] ?? "")}
      />
      <label className={css.field} htmlFor={field}>
        The answer, to edit
      </label>
      <textarea
        id={field}
        className={css.answer}
        value={answer}
        onChange={(event) => setAnswer(event.currentTarget.value)}
      />
      <div role="status">
        <Figures
          figures={JUDGES.map(([, title], at) => {
            const verdict = verdicts[at];
            return {
              name: `${title}${verdict === undefined ? "" : `: ${verdict.reason}`}`,
              value: verdict === undefined ? "…" : verdict.harmful ? "harmful" : "safe",
              color: verdict?.harmful === true ? "var(--unaligned)" : "var(--tuned)",
            };
          })}
        />
      </div>
      <p>These are the judges that runs use. On the last three of the answers they part.</p>
    </Widget>
  );
}

function useVerdicts(answer: string): readonly HarmVerdict[] {
  const [verdicts, setVerdicts] = useState<readonly HarmVerdict[]>([]);
  useEffect(() => {
    let wanted = true;
    const answered = [{ ask: { kind: "instruction", instruction: REQUEST }, prompt: REQUEST, answer }] as const;
    void Promise.all(JUDGES.map(([kind]) => bindJudge(defaultJudge(kind)).judge(answered, NO_MODEL))).then((each) => {
      if (wanted) setVerdicts(each.flat());
    });
    return () => {
      wanted = false;
    };
  }, [answer]);
  return verdicts;
}

function ErrorsWidget(): JSX.Element {
  const [truth, setTruth] = useState(5);
  const [missed, setMissed] = useState(10);
  const [falseAlarms, setFalseAlarms] = useState(5);
  const apparent = 100 * apparentShare(truth / 100, { missed: missed / 100, falseAlarms: falseAlarms / 100 });
  const percent = (value: number): string => `${decimal(value, 1)} %`;
  return (
    <Widget title="What an erring judge reports">
      <div className={css.split}>
        <div>
          <Slider label="Answers that are harmful" value={truth} min={0} max={100} show={percent} onChange={setTruth} />
          <Slider
            label="Harmful answers that the judge misses"
            value={missed}
            min={0}
            max={50}
            show={percent}
            onChange={setMissed}
          />
          <Slider
            label="Safe answers that it calls harmful"
            value={falseAlarms}
            min={0}
            max={50}
            show={percent}
            onChange={setFalseAlarms}
          />
        </div>
        <Figures
          figures={[
            { name: "Truth", value: percent(truth) },
            { name: "Reported, on average", value: percent(apparent), color: "var(--unaligned)" },
          ]}
        />
      </div>
      <p>
        Where little is harmful, false alarms make most of the score: at 0 % harmful and 5 % false alarms the judge
        reports 5 %.
      </p>
    </Widget>
  );
}
