/** @file Basin: a landscape that is drawn while it is measured, its figures, and what can be saved of it. */
import { useMemo, useState, type JSX } from "react";
import { Button, NativeSelect, NumberInput } from "@mantine/core";
import { useStore } from "zustand";
import { csvText } from "../../base/tableText.ts";
import { pointRows, type LandscapeDocument, type Survey } from "../../experiment/landscape/landscapeDocument.ts";
import { MEASURES, surveySvg, valueOf, type Measure } from "../../experiment/landscape/picture.ts";
import { useLab, useRun, useSpec } from "../shell/app/labContext.ts";
import { isActive } from "../run/runState.ts";
import { saveFile } from "../support/clipboard.ts";
import { AreaHead } from "../ui/AreaHead.tsx";
import { DownloadButton } from "../ui/DownloadButton.tsx";
import { FailurePanel } from "../ui/FailurePanel.tsx";
import tables from "../ui/tables.module.css";
import { measuredOf, type BasinState, type Measured } from "./basinStore.ts";
import { BASIN } from "./copy.ts";
import {
  basinInput,
  FIRST_CHOICE,
  pointsOf,
  useBasinRuns,
  type BasinChoice,
  type BasinRun,
  type BasinSubject,
} from "./choices.ts";
import { savePng } from "./savePng.ts";
import css from "./basin.module.css";

export default function BasinArea(): JSX.Element {
  const lab = useLab();
  const state = useStore(lab.basin.store);
  const [measure, setMeasure] = useState<Measure["key"]>("harmful_score");
  const chosen = MEASURES.find(({ key }) => key === measure) ?? MEASURES[0];
  const measured = measuredOf(state);
  return (
    <div className={css.area} data-testid="basin-area" data-state={state.kind}>
      <AreaHead title={BASIN.title}>{BASIN.text}</AreaHead>
      <Choices />
      <Status state={state} />
      {measured === null || chosen === undefined ? (
        <p className={css.note}>{BASIN.empty}</p>
      ) : (
        <>
          {measured.surveys.some(({ axes }) => axes.length === 2) && (
            <NativeSelect
              size="xs"
              label={BASIN.measure}
              className={css.measure}
              value={measure}
              onChange={({ currentTarget }) => setMeasure(currentTarget.value as Measure["key"])}
              data={MEASURES.map(({ key, title }) => ({ value: key, label: title }))}
            />
          )}
          {chosen.key === "refusal_margin" && <p className={css.note}>{BASIN.proxy}</p>}
          <Pictures surveys={measured.surveys} measure={chosen} />
          {state.kind === "done" && <Visage document={state.document} />}
          <Exports measured={measured} state={state} measure={chosen} />
          <PointTable surveys={measured.surveys} />
        </>
      )}
      <p className={css.note}>{BASIN.caution}</p>
    </div>
  );
}

function Choices(): JSX.Element {
  const lab = useLab();
  const runs = useBasinRuns();
  const running = useRun(({ run }) => isActive(run));
  const busy = useStore(lab.basin.store, ({ kind }) => kind === "opening" || kind === "measuring");
  const choice: BasinChoice = {
    ...FIRST_CHOICE,
    kind: runs.length > 0 ? "plane" : "line",
    ...useStore(lab.basin.choice),
  };
  const change = (some: Partial<BasinChoice>): void => lab.basin.choice.setState(some);
  const settings = useSpec(({ check }) => (check.kind === "valid" ? check.spec : null));
  const run = runs.find(({ runId }) => runId === choice.runId) ?? runs[0] ?? null;
  const why = busy ? BASIN.measuring : running ? BASIN.busy : lacking(choice, run, settings);
  return (
    <div className={css.choices}>
      <NativeSelect
        size="xs"
        label={BASIN.choose}
        value={choice.kind}
        onChange={({ currentTarget }) => change({ kind: currentTarget.value as BasinChoice["kind"] })}
        data={Object.entries(BASIN.kinds).map(([value, label]) => ({ value, label }))}
      />
      {choice.kind === "plane" && run !== null && (
        <NativeSelect
          size="xs"
          label={BASIN.run}
          value={run.runId}
          onChange={({ currentTarget }) => change({ runId: currentTarget.value })}
          data={runs.map(({ runId, title }) => ({ value: runId, label: title }))}
        />
      )}
      <NumberInput
        size="xs"
        label={BASIN.fineness}
        min={3}
        max={41}
        value={pointsOf(choice)}
        onChange={(value) => change({ points: Math.round(Number(value)) || 3 })}
      />
      <NumberInput
        size="xs"
        label={BASIN.prompts}
        min={2}
        max={200}
        value={choice.prompts}
        onChange={(value) => change({ prompts: Math.round(Number(value)) || 2 })}
      />
      <Button
        size="xs"
        disabled={why !== null}
        aria-describedby={why === null ? undefined : "basin-why"}
        onClick={() => void lab.basin.start(...basinInput(choice, run, settings))}
      >
        {BASIN.start}
      </Button>
      {why !== null && (
        <p className={css.why} id="basin-why">
          {why}
        </p>
      )}
    </div>
  );
}

/** What the chosen picture lacks. */
function lacking({ kind }: BasinChoice, run: BasinRun | null, settings: BasinSubject | null): string | null {
  if (kind === "plane") return run === null ? BASIN.noRun : null;
  if (settings === null) return BASIN.invalid;
  return kind === "line" && settings.model.unaligned === null ? BASIN.noTwin : null;
}

function Status({ state }: { readonly state: BasinState }): JSX.Element | null {
  const { basin } = useLab();
  switch (state.kind) {
    case "empty":
      return null;
    case "opening":
      return <p role="status">{BASIN.opening}</p>;
    case "measuring": {
      const { paused, waiting, measured } = state;
      return (
        <div className={css.status}>
          <progress value={measured.done} max={measured.total} aria-label={BASIN.title} />
          <span>
            {BASIN.progress(measured.done, measured.total, waiting ? BASIN.waiting : paused ? BASIN.paused : "")}
          </span>
          <Button size="compact-xs" variant="default" onClick={() => (paused ? basin.resume() : basin.pause())}>
            {paused ? BASIN.resume : BASIN.pause}
          </Button>
          <Button size="compact-xs" variant="default" onClick={() => basin.stop()}>
            {BASIN.stop}
          </Button>
        </div>
      );
    }
    case "stopped":
      return <p role="status">{BASIN.stopped}</p>;
    case "failed":
      return <FailurePanel title={BASIN.failed} failure={state.failure} />;
    case "done":
      return <p role="status">{BASIN.done(state.measured.total)}</p>;
  }
}

function Pictures({ surveys, measure }: { readonly surveys: readonly Survey[]; readonly measure: Measure }) {
  return (
    <div className={css.pictures}>
      {surveys.map((survey) => (
        <Picture key={survey.id} survey={survey} measure={measure} />
      ))}
    </div>
  );
}

function Picture({ survey, measure }: { readonly survey: Survey; readonly measure: Measure }): JSX.Element {
  // Its texts are escaped where it is made (report/markup.ts).
  const html = useMemo(() => ({ __html: String(surveySvg(survey, measure)) }), [survey, measure]);
  return <div className={css.picture} dangerouslySetInnerHTML={html} />;
}

function Visage({ document: { visage } }: { readonly document: LandscapeDocument }): JSX.Element | null {
  if (visage === null) return null;
  return (
    <section>
      <h3>{BASIN.visage}</h3>
      <dl className={css.visage}>
        {(["judged", "not_refused"] as const).map((count) => {
          const { mean, ci95 } = visage[count];
          return (
            <div key={count}>
              <dt>{BASIN.visageRows[count]}</dt>
              <dd>{BASIN.visageValue(mean, ci95?.low ?? null, ci95?.high ?? null)}</dd>
            </div>
          );
        })}
      </dl>
      <p className={css.note}>{visage.definition}</p>
    </section>
  );
}

interface ExportsProps {
  readonly measured: Measured;
  readonly state: BasinState;
  readonly measure: Measure;
}

function Exports({ measured: { surveys }, state, measure }: ExportsProps): JSX.Element {
  const json = state.kind === "done" ? state.document : { surveys };
  const [first] = surveys;
  const save = (name: string, text: string, type: string): void => saveFile(name, new Blob([text]), type);
  return (
    <div className={css.status} role="group" aria-label={BASIN.exports}>
      <DownloadButton compact onClick={() => save("landscape.json", JSON.stringify(json, null, 1), "application/json")}>
        JSON
      </DownloadButton>
      <DownloadButton compact onClick={() => save("landscape.csv", csvText(pointRows(surveys)), "text/csv")}>
        CSV
      </DownloadButton>
      {first !== undefined && (
        <>
          <DownloadButton
            compact
            onClick={() => {
              for (const one of surveys) save(`${one.id}.svg`, String(surveySvg(one, measure)), "image/svg+xml");
            }}
          >
            SVG
          </DownloadButton>
          <DownloadButton compact onClick={() => void savePng(`${first.id}.png`, String(surveySvg(first, measure)))}>
            PNG
          </DownloadButton>
        </>
      )}
    </div>
  );
}

const TABLE_RATES = ["harmful_score", "refused", "neither", "benign_compliance"] as const;

function PointTable({ surveys }: { readonly surveys: readonly Survey[] }): JSX.Element {
  return (
    <details>
      <summary>{BASIN.table}</summary>
      <div className={css.scroll} tabIndex={0} role="region" aria-label={BASIN.table}>
        {surveys.map(({ id, title, points }) => (
          <table key={id} className={tables.table}>
            <caption>{title}</caption>
            <thead>
              <tr>
                {Object.entries(BASIN.columns).map(([key, name]) => (
                  <th key={key} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {points.map((point) => (
                <tr key={`${point.a} ${point.b ?? ""}`}>
                  <td>{point.a}</td>
                  <td>{point.b ?? "–"}</td>
                  {TABLE_RATES.map((key) => (
                    <td key={key}>{rateText(point[key])}</td>
                  ))}
                  <td>{valueOf(point, { key: "refusal_margin" })?.toFixed(2) ?? "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        ))}
      </div>
    </details>
  );
}

/** "40 % (8 of 20; 22 to 61)". */
function rateText(rate: Survey["points"][number]["refused"]): string {
  if (rate === null) return "–";
  const { percent, hits, count, ci95 } = rate;
  const interval = ci95 === undefined ? "" : `; ${ci95.low.toFixed(0)} to ${ci95.high.toFixed(0)}`;
  return `${percent.toFixed(0)} % (${hits} of ${count}${interval})`;
}
