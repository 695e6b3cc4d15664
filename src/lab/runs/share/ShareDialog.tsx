/** @file All exports of a run in one dialog: link, results, QR code, report, CSV files, model. */
import { Button, Checkbox } from "@mantine/core";
import { Suspense, useMemo, useState, type JSX } from "react";
import { lazyPart } from "../../ui/lazyPart.tsx";
import { encodeLink } from "../../../experiment/share/link.ts";
import { scoresCsv, stepsCsv } from "../../../experiment/report/csv.ts";
import { fileNameOf } from "../../../experiment/report/reportRun.ts";
import { linkWithResults, resultsOf, type SharedResults } from "../../../experiment/share/results.ts";
import { trainedModel } from "../../../experiment/spec/trainedModel.ts";
import { adapterZip } from "../adapterZip.ts";
import { MergeButton } from "../merge/MergeButton.tsx";
import { DownloadButton } from "../../ui/DownloadButton.tsx";
import { useReason } from "../../ui/Reason.tsx";
import { LinkIcon } from "../../ui/icons.tsx";
import { SideDialog } from "../../ui/SideDialog.tsx";
import { ReplayButton } from "../replay/ReplayButton.tsx";
import { pageForLinks } from "../../setup/specStore.ts";
import { dataTitle, methodSettings, methodTitle } from "../../run/labels.ts";
import { ReadingNotice } from "../reading/ReadingNotice.tsx";
import type { RunSummary } from "../runSummary.ts";
import type { StoredRun } from "../storedRun.ts";
import { useStoredRuns } from "../reading/useStoredRuns.ts";
import { copyText, saveFile } from "../../support/clipboard.ts";
import { moment } from "../../support/format.ts";
import { ADDED_ADAPTER, RUN_ADAPTER } from "../../worker/protocol/adapterNames.ts";
import { LINK_NOTES, NOT_SHAREABLE, QR, SHARE } from "../copy.ts";
import { isLocal, linkNotes } from "./linkNotes.ts";
import { saveReport } from "./saveReport.ts";
import css from "./share.module.css";

const QrView = lazyPart(() => import("./QrView.tsx"));

const wholeRun = (run: StoredRun): StoredRun => run;

export default function ShareDialog({
  run,
  onClose,
}: {
  readonly run: RunSummary;
  readonly onClose: () => void;
}): JSX.Element {
  const { runId, spec } = run;
  const [readings, retry] = useStoredRuns([runId], wholeRun);
  const reading = readings.get(runId);
  return (
    <SideDialog
      title={SHARE.title(`${methodTitle(spec.method)}, ${methodSettings(spec.method)}`)}
      about={SHARE.about(dataTitle(spec), spec.train.seed, moment(run.endedAt))}
      testId="share"
      onClose={onClose}
    >
      {reading?.kind === "read" ? (
        <Parts run={{ ...reading.part, ...annotations(run) }} />
      ) : (
        <ReadingNotice runs={[run]} readings={readings} onRetry={retry} />
      )}
    </SideDialog>
  );
}

/** They may have changed since the run was read. */
function annotations({ overrides, tags, note }: RunSummary): Pick<StoredRun, "overrides" | "tags" | "note"> {
  return {
    ...(overrides === undefined ? {} : { overrides }),
    ...(tags === undefined ? {} : { tags }),
    ...(note === undefined ? {} : { note }),
  };
}

function Parts({ run }: { readonly run: StoredRun }): JSX.Element {
  return (
    <div className={css.parts}>
      <LinkPart run={run} />
      <ReportPart run={run} />
      <DataPart run={run} />
      <ModelPart run={run} />
    </div>
  );
}

function LinkPart({ run }: { readonly run: StoredRun }): JSX.Element {
  const results = useMemo(() => sendable(run), [run]);
  const [include, setInclude] = useState(true);
  const [copied, setCopied] = useState<string | null>(null);
  const [showQr, setShowQr] = useState(false);
  const page = pageForLinks(window.location.href);
  const plain = useMemo(() => `${page}#${encodeLink(run.spec)}`, [page, run.spec]);
  const withResults = include && results.kind === "results";
  const link = withResults ? linkWithResults(plain.slice(page.length + 1), results.results) : null;
  const address = link === null ? plain : `${page}#${link}`;
  const notes = linkNotes(run.spec, page);
  return (
    <section aria-labelledby="share-link">
      <h3 id="share-link">{SHARE.link}</h3>
      <p className={css.about}>{SHARE.linkText}</p>
      <Checkbox
        size="sm"
        label={SHARE.withResults}
        description={results.kind === "none" ? results.why : SHARE.withResultsHint}
        checked={withResults}
        disabled={results.kind === "none"}
        onChange={(event) => setInclude(event.currentTarget.checked)}
      />
      <input
        className={css.address}
        readOnly
        value={address}
        aria-label={SHARE.address}
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
          {copied === address ? SHARE.copied : SHARE.copy}
        </Button>
        <Button size="xs" variant="default" onClick={() => setShowQr(true)}>
          {SHARE.showQr}
        </Button>
        <span className={css.reason} role="status">
          {copied === address && (withResults ? SHARE.copiedWithResults : SHARE.copiedStatus)}
        </span>
      </div>
      {notes.map((note) => (
        <p key={note} className={css.note}>
          {note}
        </p>
      ))}
      {showQr && (
        <Suspense fallback={null}>
          <QrView
            link={address}
            title={`${methodTitle(run.spec.method)}, ${methodSettings(run.spec.method)}: ${dataTitle(run.spec)}`}
            name={`basin-link-${fileNameOf(run)}`}
            note={isLocal(page) ? LINK_NOTES.local : null}
            shorter={withResults ? QR.withoutResults : null}
            onClose={() => setShowQr(false)}
          />
        </Suspense>
      )}
    </section>
  );
}

/** The results to send with a link: only those that another run can reproduce. */
function sendable({
  runId,
  endedAt,
  steps,
  ending,
  spec,
}: StoredRun):
  | { readonly kind: "results"; readonly results: SharedResults }
  | { readonly kind: "none"; readonly why: string } {
  if (ending.kind === "failed") return { kind: "none", why: NOT_SHAREABLE.failed };
  if (ending.report.outcome === "stopped") return { kind: "none", why: NOT_SHAREABLE.stopped };
  const { init_adapter: adapter } = spec.lora;
  if (adapter !== null && (adapter.startsWith(RUN_ADAPTER) || adapter.startsWith(ADDED_ADAPTER)))
    return { kind: "none", why: NOT_SHAREABLE.localAdapter };
  return { kind: "results", results: resultsOf({ runId, endedAt, steps, report: ending.report }) };
}

function ReportPart({ run }: { readonly run: StoredRun }): JSX.Element {
  const [samples, setSamples] = useState(true);
  const hasAnswers = (run.answers ?? []).length > 0;
  return (
    <section aria-labelledby="share-report">
      <h3 id="share-report">{SHARE.report}</h3>
      <p className={css.about}>{SHARE.reportText}</p>
      {hasAnswers && (
        <Checkbox
          size="sm"
          label={SHARE.reportAnswers}
          checked={samples}
          onChange={(event) => setSamples(event.currentTarget.checked)}
        />
      )}
      <div className={css.row}>
        <DownloadButton onClick={() => saveReport([run], hasAnswers && samples)}>{SHARE.saveReport}</DownloadButton>
      </div>
    </section>
  );
}

function DataPart({ run }: { readonly run: StoredRun }): JSX.Element {
  const save = (what: "steps" | "scores"): void =>
    saveFile(
      `basin-${what}-${fileNameOf(run)}.csv`,
      new Blob([what === "steps" ? stepsCsv(run) : scoresCsv(run)]),
      "text/csv",
    );
  const reason = useReason(run.evaluations.length === 0 ? SHARE.noScores : null);
  return (
    <section aria-labelledby="share-data">
      <h3 id="share-data">{SHARE.data}</h3>
      <p className={css.about}>{SHARE.dataText}</p>
      <div className={css.row}>
        <DownloadButton onClick={() => save("steps")}>{SHARE.steps}</DownloadButton>
        <DownloadButton
          disabled={run.evaluations.length === 0}
          aria-describedby={reason.describedBy}
          onClick={() => save("scores")}
        >
          {SHARE.scores}
        </DownloadButton>
        {reason.text}
      </div>
    </section>
  );
}

function ModelPart({ run }: { readonly run: StoredRun }): JSX.Element {
  const { adapter, spec, runId } = run;
  return (
    <section aria-labelledby="share-model">
      <h3 id="share-model">{SHARE.model}</h3>
      <p className={css.about}>{adapter === null ? SHARE.noAdapter : SHARE.modelText}</p>
      <div className={css.row}>
        {adapter !== null && (
          <>
            <DownloadButton
              onClick={() => saveFile(`basin-adapter-${fileNameOf(run)}.zip`, adapterZip(run), "application/zip")}
            >
              {SHARE.downloadAdapter}
            </DownloadButton>
            <MergeButton
              adapter={{ id: `${RUN_ADAPTER}${runId}`, title: methodTitle(spec.method), files: async () => adapter }}
              model={trainedModel(spec)}
            />
          </>
        )}
        <ReplayButton spec={spec} name={`basin-replay-${fileNameOf(run)}`} />
      </div>
    </section>
  );
}
