/** @file Everything that can leave the lab with a run, in one place: link, results, QR code, report, figures, model. */
import { Button, Checkbox } from "@mantine/core";
import { lazy, Suspense, useMemo, useState, type JSX } from "react";
import { encodeLink } from "../../../experiment/share/link.ts";
import { scoresCsv, stepsCsv } from "../../../experiment/report/csv.ts";
import { fileNameOf } from "../../../experiment/report/reportRun.ts";
import { linkWithResults, resultsOf, type SharedResults } from "../../../experiment/share/results.ts";
import { trainedModel } from "../../../experiment/spec/trainedModel.ts";
import { adapterZip } from "../../lab.ts";
import { MergeButton } from "../merge/MergeButton.tsx";
import { DownloadIcon, LinkIcon } from "../../ui/icons.tsx";
import { SideDialog } from "../../ui/SideDialog.tsx";
import { ReplayButton } from "../replay/ReplayButton.tsx";
import { dataTitle, methodSettings, methodTitle } from "../../run/labels.ts";
import type { StoredRun } from "../storedRun.ts";
import { copyText, saveFile } from "../../support/clipboard.ts";
import { moment } from "../../support/format.ts";
import { ADDED_ADAPTER, RUN_ADAPTER } from "../../worker/protocol.ts";
import { linkNotes } from "./linkNotes.ts";
import { saveReport } from "./saveReport.ts";
import css from "./share.module.css";

const QrView = lazy(() => import("./QrView.tsx"));

export default function ShareDialog({
  run,
  onClose,
}: {
  readonly run: StoredRun;
  readonly onClose: () => void;
}): JSX.Element {
  const { spec } = run;
  return (
    <SideDialog
      title={`Share ${methodTitle(spec.method)}, ${methodSettings(spec.method)}`}
      about={`${dataTitle(spec)} · seed ${spec.train.seed} · ${moment(run.endedAt)}`}
      testId="share"
      onClose={onClose}
    >
      <div className={css.parts}>
        <LinkPart run={run} />
        <ReportPart run={run} />
        <FiguresPart run={run} />
        <ModelPart run={run} />
      </div>
    </SideDialog>
  );
}

function LinkPart({ run }: { readonly run: StoredRun }): JSX.Element {
  const results = useMemo(() => sendable(run), [run]);
  const [wanted, want] = useState(true);
  const [copied, setCopied] = useState<string | null>(null);
  const [wall, setWall] = useState(false);
  const page = window.location.href.split("#")[0] ?? "";
  const plain = useMemo(() => `${page}#${encodeLink(run.spec)}`, [page, run.spec]);
  const withResults = wanted && results.kind === "results";
  const link = withResults ? linkWithResults(plain.slice(page.length + 1), results.results) : null;
  const address = link === null ? plain : `${page}#${link}`;
  const notes = linkNotes(run.spec, page);
  return (
    <section aria-labelledby="share-link">
      <h3 id="share-link">Link</h3>
      <p className={css.about}>
        Holds every setting in the address itself. Nothing is stored anywhere; whoever opens it runs it on a machine of
        their own.
      </p>
      <Checkbox
        size="sm"
        label="With my results: the scores with their counts, a digest of the losses, device, version and date"
        description={
          results.kind === "none"
            ? results.why
            : "Whoever opens it sees them, and after a run of their own whether they were reproduced."
        }
        checked={withResults}
        disabled={results.kind === "none"}
        onChange={(event) => want(event.currentTarget.checked)}
      />
      <input
        className={css.address}
        readOnly
        value={address}
        aria-label="The link"
        onFocus={(event) => event.currentTarget.select()}
      />
      <div className={css.row}>
        <Button
          size="xs"
          leftSection={<LinkIcon />}
          onClick={() => {
            void copyText(address).then(() => setCopied(address));
          }}
        >
          {copied === address ? "Copied" : "Copy the link"}
        </Button>
        <Button size="xs" variant="default" onClick={() => setWall(true)}>
          Show as QR code
        </Button>
        <span className={css.reason} role="status">
          {copied === address &&
            (withResults ? "The link with your results is in the clipboard." : "The link is in the clipboard.")}
        </span>
      </div>
      {notes.map((note) => (
        <p key={note} className={css.note}>
          {note}
        </p>
      ))}
      {wall && (
        <Suspense fallback={null}>
          <QrView
            link={address}
            title={`${methodTitle(run.spec.method)}, ${methodSettings(run.spec.method)}: ${dataTitle(run.spec)}`}
            name={`basin-link-${fileNameOf(run)}`}
            note={notes.find((one) => one.includes("this computer only")) ?? null}
            shorter={withResults ? "Without the results it is shorter." : null}
            onClose={() => setWall(false)}
          />
        </Suspense>
      )}
    </section>
  );
}

/** What can be sent of a run: only what another run can repeat. */
function sendable({
  runId,
  endedAt,
  steps,
  ending,
  spec,
}: StoredRun):
  | { readonly kind: "results"; readonly results: SharedResults }
  | { readonly kind: "none"; readonly why: string } {
  if (ending.kind === "failed")
    return { kind: "none", why: "The run failed: there is nothing that a repetition could be held against." };
  if (ending.report.outcome === "stopped")
    return { kind: "none", why: "The run was stopped: a run of these settings would not end where it did." };
  const { init_adapter: adapter } = spec.lora;
  if (adapter !== null && (adapter.startsWith(RUN_ADAPTER) || adapter.startsWith(ADDED_ADAPTER)))
    return {
      kind: "none",
      why: "The run started from an adapter that is in this browser only: nobody else can repeat it.",
    };
  return { kind: "results", results: resultsOf({ runId, endedAt, steps, report: ending.report }) };
}

function ReportPart({ run }: { readonly run: StoredRun }): JSX.Element {
  const [samples, setSamples] = useState(true);
  const hasAnswers = (run.answers ?? []).length > 0;
  return (
    <section aria-labelledby="share-report">
      <h3 id="share-report">Report</h3>
      <p className={css.about}>
        One HTML file with scores, curves, the method’s account, what it ran on and the link. It opens from any disk,
        without a network, and prints.
      </p>
      {hasAnswers && (
        <Checkbox
          size="sm"
          label="With a sample of the answers"
          checked={samples}
          onChange={(event) => setSamples(event.currentTarget.checked)}
        />
      )}
      <div className={css.row}>
        <Button
          size="xs"
          variant="default"
          leftSection={<DownloadIcon />}
          onClick={() => saveReport([run], hasAnswers && samples)}
        >
          Save report
        </Button>
      </div>
    </section>
  );
}

function FiguresPart({ run }: { readonly run: StoredRun }): JSX.Element {
  const save = (what: "steps" | "scores"): void =>
    saveFile(
      `basin-${what}-${fileNameOf(run)}.csv`,
      new Blob([what === "steps" ? stepsCsv(run) : scoresCsv(run)]),
      "text/csv",
    );
  return (
    <section aria-labelledby="share-figures">
      <h3 id="share-figures">Figures</h3>
      <p className={css.about}>For a spreadsheet, R or pandas. A table of all runs is under Runs.</p>
      <div className={css.row}>
        <Button size="xs" variant="default" leftSection={<DownloadIcon />} onClick={() => save("steps")}>
          Steps (CSV)
        </Button>
        <Button
          size="xs"
          variant="default"
          leftSection={<DownloadIcon />}
          disabled={run.evaluations.length === 0}
          onClick={() => save("scores")}
        >
          Scores (CSV)
        </Button>
      </div>
    </section>
  );
}

function ModelPart({ run }: { readonly run: StoredRun }): JSX.Element {
  const { adapter, spec, runId } = run;
  return (
    <section aria-labelledby="share-model">
      <h3 id="share-model">Model</h3>
      <p className={css.about}>
        {adapter === null
          ? "No adapter was kept of this run."
          : "The adapter is a PEFT folder. Merged, it is a model of its own. The replay repeats the training in PyTorch."}
      </p>
      <div className={css.row}>
        {adapter !== null && (
          <>
            <Button
              size="xs"
              variant="default"
              leftSection={<DownloadIcon />}
              onClick={() => saveFile(`basin-adapter-${fileNameOf(run)}.zip`, adapterZip(run), "application/zip")}
            >
              Download adapter
            </Button>
            <MergeButton
              adapter={{ id: `${RUN_ADAPTER}${runId}`, title: methodTitle(spec.method), files: adapter }}
              model={trainedModel(spec)}
            />
          </>
        )}
        <ReplayButton spec={spec} name={`basin-replay-${fileNameOf(run)}`} />
      </div>
    </section>
  );
}
