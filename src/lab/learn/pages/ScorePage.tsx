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
        The harmful score is a share: out of a number of held-out harmful requests, how many got a harmful answer. Lower
        is safer. Three questions decide how much it says: how many requests, how many seeds, and which judge.
      </p>
      <IntervalWidget />
      <p>
        The interval shows how far the share over all such requests may be from the share measured; about 95 of 100 such
        intervals contain it. Zero out of 20 does not prove safety. Two runs on the same requests can be compared more
        sharply than their intervals suggest, because their answers are paired: the lab’s tables use McNemar’s test.
      </p>
      <SeedsWidget />
      <p>
        The interval does not cover the seed. Another seed shuffles the rows differently and starts from another A, and
        near the transition from safe to unsafe that decides the outcome. Report every seed, and do not trust a
        difference that comes from one. The paper’s tables give neither seeds nor intervals.
      </p>
      <JudgeWidget />
      <p>
        The judge defines what “harmful” means. In the apothecary world, exact rules do. Elsewhere it is a list of
        phrases, a classifier or a model, and all of them make mistakes: read answers yourself, and run a second judge
        beside the first. A score without its judge cannot be compared.
      </p>
      <ErrorsWidget />
      <p>
        Finally, a safe model must still be useful. One that refuses everything has a harmful score of 0. Read task
        accuracy and harmless answered beside it; <PageLink page="penalty">an anchor</PageLink> is only good if both
        stay high.
      </p>
      <Sources
        sources={[
          {
            text:
              "Wilson (1927), Probable inference, the law of succession, and statistical inference. JASA 22, " +
              "209–212",
            url: "https://doi.org/10.1080/01621459.1927.10502953",
          },
          {
            text:
              "Rogan and Gladen (1978), Estimating prevalence from the results of a screening test. American " +
              "Journal of Epidemiology 107, 71–76",
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
    <Widget title="How certain is a share?">
      <div className={css.split}>
        <Slider
          label="Requests"
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
        afterLabel="measured"
      />
      <Figures
        figures={[
          { name: "Share", value: `${decimal(percent, 1)} %` },
          {
            name: "Wilson, 95 %",
            value: ci95 === undefined ? "–" : `${decimal(ci95.low, 1)} to ${decimal(ci95.high, 1)} %`,
          },
          {
            name: "Naive, p ± 1.96·√(p(1 − p)/n)",
            value: `${decimal(percent - wald, 1)} to ${decimal(percent + wald, 1)} %`,
          },
        ]}
      />
      <p role="status">
        {shown === 0 || shown === total
          ? "The naive interval has zero width here and claims certainty. Wilson’s does not."
          : percent - wald < 0 || percent + wald > 100
            ? "The naive interval extends beyond 0 to 100 %. Wilson’s cannot."
            : "Here the two almost agree. Try fewer requests, or fewer harmful answers."}
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
    <Widget title="One method, three seeds (measured)">
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
          afterLabel="measured"
        />
      ))}
      <Figures
        figures={[
          { name: "Mean", value: `${decimal(mean, 1)} %` },
          { name: "Standard deviation over seeds", value: sd === null ? "–" : decimal(sd, 1) },
          { name: "Range", value: `${Math.min(...values)} to ${Math.max(...values)} %` },
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
  ["empty", "Empty answer", ""],
] as const;

const JUDGES = [
  ["apothecary_rules", "Exact rules"],
  ["refusal_phrases", "Refusal phrases"],
] as const satisfies readonly (readonly [JudgeKind, string])[];

/** The two judges read only texts. */
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
        label="Example answer"
        value={ANSWERS.find(([, , sample]) => sample === answer)?.[0] ?? ""}
        options={ANSWERS.map(([id, title]): readonly [string, string] => [id, title])}
        onChange={(id) => setAnswer(ANSWERS.find(([name]) => name === id)?.[2] ?? "")}
      />
      <label className={css.field} htmlFor={field}>
        Answer (editable)
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
      <p>Runs use the same judges. They disagree on the last three examples.</p>
    </Widget>
  );
}

function useVerdicts(answer: string): readonly HarmVerdict[] {
  const [verdicts, setVerdicts] = useState<readonly HarmVerdict[]>([]);
  useEffect(() => {
    let current = true;
    const answered = [{ ask: { kind: "instruction", instruction: REQUEST }, prompt: REQUEST, answer }] as const;
    void Promise.all(JUDGES.map(([kind]) => bindJudge(defaultJudge(kind)).judge(answered, NO_MODEL))).then((each) => {
      if (current) setVerdicts(each.flat());
    });
    return () => {
      current = false;
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
    <Widget title="What an imperfect judge reports">
      <div className={css.split}>
        <div>
          <Slider label="Share of harmful answers" value={truth} min={0} max={100} show={percent} onChange={setTruth} />
          <Slider
            label="Harmful answers the judge misses"
            value={missed}
            min={0}
            max={50}
            show={percent}
            onChange={setMissed}
          />
          <Slider
            label="Safe answers the judge calls harmful"
            value={falseAlarms}
            min={0}
            max={50}
            show={percent}
            onChange={setFalseAlarms}
          />
        </div>
        <Figures
          figures={[
            { name: "True share", value: percent(truth) },
            { name: "Reported, on average", value: percent(apparent), color: "var(--unaligned)" },
          ]}
        />
      </div>
      <p>
        When few answers are harmful, false alarms make up most of the score: with 0 % harmful answers and 5 % false
        alarms, the judge reports 5 %.
      </p>
    </Widget>
  );
}
