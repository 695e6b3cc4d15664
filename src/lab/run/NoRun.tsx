/** @file The run area before the first run: what to do, and what will be measured. */
import type { JSX } from "react";
import { useLab, useSpec } from "../shell/app/labContext.ts";
import ui from "../ui/ui.module.css";
import { NO_RUN, SCORES } from "./copy.ts";
import css from "./run.module.css";
import { scoresOf } from "./scoreList.ts";
import { OneScale } from "./ScoreScales.tsx";

export function NoRun(): JSX.Element {
  const lab = useLab();
  const first = lab.codec.presets[0];
  const check = useSpec((state) => state.check);
  const scores = check.kind === "valid" ? scoresOf(check.spec, []) : [];
  return (
    <div className={css.idle}>
      <section className={ui.empty}>
        <h2>{NO_RUN.title}</h2>
        <p>{NO_RUN.text}</p>
        <ol className={css.steps}>
          <li>
            <span>
              <strong>{NO_RUN.choose}</strong> {first !== undefined && NO_RUN.loaded(first.title)}
            </span>
          </li>
          <li>
            <span>
              <strong>{NO_RUN.check}</strong> {NO_RUN.checkText}
            </span>
          </li>
          <li>
            <span>
              <strong>{NO_RUN.start}</strong> {NO_RUN.startText}
            </span>
          </li>
        </ol>
      </section>
      <section>
        <h3 className={css.factsTitle}>{NO_RUN.scores}</h3>
        <div className={css.scales}>
          {scores.map((score) => (
            <OneScale key={score.name} score={score} before={null} after={null} afterLabel={SCORES.after} />
          ))}
        </div>
      </section>
    </div>
  );
}
