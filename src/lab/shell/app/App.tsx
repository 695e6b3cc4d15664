/** @file The page: header, Setup on the left (or as a tab in narrow windows), the areas. */
import { Suspense, useEffect, useRef, type JSX, type KeyboardEvent } from "react";
import { lazyPart } from "../../ui/lazyPart.tsx";
import { useMediaQuery } from "@mantine/hooks";
import { useStore } from "zustand";
import { countStates } from "../../../experiment/table/queue.ts";
import { DataArea } from "../../data/DataArea.tsx";
import { Header } from "../header/Header.tsx";
import { NoGpu } from "../header/NoGpu.tsx";
import { SoftwareNotice } from "../header/SoftwareNotice.tsx";
import { isSavedAt } from "../../recovery/recoveryStore.ts";
import { UnfinishedLine } from "../../recovery/UnfinishedRuns.tsx";
import { RunAnnouncer } from "../../run/RunAnnouncer.tsx";
import { RunLine } from "../../run/RunLine.tsx";
import { isActive } from "../../run/runState.ts";
import { UncaughtErrorBanner } from "../uncaughtErrors/UncaughtErrorBanner.tsx";
import { Boundary } from "../../ui/Boundary.tsx";
import { LinkProblemBanner } from "../../setup/LinkProblemBanner.tsx";
import { WaitingSettingsBanner } from "../../setup/WaitingSettingsBanner.tsx";
import { HostQuestionBanner } from "../hosts/HostQuestionBanner.tsx";
import { DiagnosticsWhenOpen } from "../diagnostics/DiagnosticsWhenOpen.tsx";
import { UpdateBanner } from "../diagnostics/UpdateBanner.tsx";
import { SiteFilesBanner } from "../siteFiles/SiteFilesBanner.tsx";
import { SetupArea } from "../../setup/SetupArea.tsx";
import { tour } from "../../start/shared.ts";
import type { TableState } from "../../table/tableStore.ts";
import { AREA_TITLES, PAGE } from "../copy.ts";
import css from "./app.module.css";
import { presentation } from "./presentation.ts";
import { useDevice, useReceived, useRecovery, useRun, useRuns, useTable, useView } from "./labContext.ts";
import { SkipLink } from "./SkipLink.tsx";
import { AREAS, type Area } from "./viewStore.ts";

const StartArea = lazyPart(() => import("../../start/StartArea.tsx"));
const Tour = lazyPart(() => import("../tour/Tour.tsx"));
const RunArea = lazyPart(() => import("../../run/RunArea.tsx"));
const ChatArea = lazyPart(() => import("../../chat/ChatArea.tsx"));
const RunsArea = lazyPart(() => import("../../runs/RunsArea.tsx"));
const TableArea = lazyPart(() => import("../../table/TableArea.tsx"));
const BasinArea = lazyPart(() => import("../../basin/BasinArea.tsx"));
const ReceivedPanel = lazyPart(() => import("../../runs/share/ReceivedPanel.tsx"));
const LearnArea = lazyPart(() => import("../../learn/LearnArea.tsx"));

export function App(): JSX.Element {
  const presenting = useStore(presentation, ({ on }) => on);
  const wide = useMediaQuery("(min-width: 1160px)", true, { getInitialValueInEffect: false }) && !presenting;
  const chosen = useView(({ area }) => area);
  const area: Area = wide && chosen === "setup" ? "run" : chosen;
  // Start has no form next to it: a first visit should not begin with one.
  const beside = wide && area !== "start";
  const areas = wide ? AREAS.filter((name) => name !== "setup") : AREAS;
  const touring = useStore(tour, ({ stage }) => stage.kind === "at");
  const device = useDevice();
  useUnloadGuard();
  useFocusOnArea(chosen, area, beside);
  return (
    <div className={css.lab}>
      <SkipLink area={area} />
      <Header />
      <UpdateBanner />
      <SiteFilesBanner />
      <UncaughtErrorBanner />
      <LinkProblemBanner />
      <WaitingSettingsBanner />
      <HostQuestionBanner />
      <Boundary name={PAGE.diagnostics}>
        <DiagnosticsWhenOpen />
      </Boundary>
      <div className={css.body} data-alone={!beside}>
        {beside && (
          <aside className={css.aside} aria-label={PAGE.setup} id={BESIDE} tabIndex={-1}>
            <Boundary name={PAGE.setup}>
              <SetupArea />
            </Boundary>
          </aside>
        )}
        <main className={css.main}>
          <AreaTabs areas={areas} area={area} />
          <Boundary name={PAGE.runProgress}>
            <RunAnnouncer />
            <RunLine />
          </Boundary>
          {(area !== "run" || device.kind === "missing") && <UnfinishedLine />}
          <div className={css.panel} role="tabpanel" id={`area-${area}`} aria-labelledby={`tab-${area}`} tabIndex={-1}>
            <Boundary key={area} name={AREA_TITLES[area]}>
              <Suspense fallback={null}>
                <AreaContent area={area} />
              </Suspense>
            </Boundary>
          </div>
        </main>
      </div>
      {touring && (
        <Boundary name={PAGE.tour}>
          <Suspense fallback={null}>
            <Tour />
          </Suspense>
        </Boundary>
      )}
    </div>
  );
}

function AreaContent({ area }: { readonly area: Area }): JSX.Element {
  const device = useDevice();
  const finished = useRuns(({ runs }) => runs.length > 0);
  const received = useReceived((state) => state.received.kind !== "none");
  switch (area) {
    case "start":
      return <StartArea />;
    case "setup":
      return <SetupArea />;
    case "data":
      return <DataArea />;
    case "run":
      return (
        <>
          {received && <ReceivedPanel />}
          {device.kind === "missing" ? (
            <NoGpu failure={device.failure} />
          ) : (
            <>
              <SoftwareNotice />
              <RunArea />
            </>
          )}
        </>
      );
    case "chat":
      return device.kind === "missing" ? <NoGpu failure={device.failure} /> : <ChatArea />;
    case "runs":
      return device.kind === "missing" && !finished ? <NoGpu failure={device.failure} /> : <RunsArea />;
    case "table":
      return <TableArea />;
    case "basin":
      return device.kind === "missing" ? <NoGpu failure={device.failure} /> : <BasinArea />;
    case "learn":
      return <LearnArea />;
  }
}

function AreaTabs({ areas, area }: { readonly areas: readonly Area[]; readonly area: Area }): JSX.Element {
  const show = useView((view) => view.show);
  const runs = useRuns((state) => state.runs.length);
  const table = useTable(progressText);
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // A narrow list scrolls: an area that was opened elsewhere shows which one it is. The page itself does not move.
    const tab = list.current?.querySelector<HTMLElement>(`#tab-${area}`);
    if (list.current === null || tab == null) return;
    const room = list.current.clientWidth - tab.offsetWidth;
    list.current.scrollLeft = tab.offsetLeft - list.current.offsetLeft - Math.max(0, room / 2);
  }, [area]);
  const onKey = (event: KeyboardEvent): void => {
    const next = areaAt(areas, area, event.key);
    if (next === undefined) return;
    event.preventDefault();
    show(next);
    list.current?.querySelector<HTMLElement>(`#tab-${next}`)?.focus();
  };
  return (
    <div className={css.nav} role="tablist" aria-label={PAGE.areas} ref={list} onKeyDown={onKey}>
      {areas.map((name) => (
        <button
          key={name}
          type="button"
          role="tab"
          id={`tab-${name}`}
          aria-selected={name === area}
          aria-controls={name === area ? `area-${name}` : undefined}
          tabIndex={name === area ? 0 : -1}
          className={css.tab}
          onClick={() => show(name)}
        >
          {AREA_TITLES[name]}
          {name === "runs" && runs > 0 && <span className={css.tabCount}>{runs}</span>}
          {name === "table" && table !== null && <span className={css.tabCount}>{table}</span>}
        </button>
      ))}
    </div>
  );
}

/** The area to which a key of a tab list leads; undefined for other keys. */
function areaAt(areas: readonly Area[], area: Area, key: string): Area | undefined {
  const at = areas.indexOf(area);
  switch (key) {
    case "ArrowRight":
      return areas[(at + 1) % areas.length];
    case "ArrowLeft":
      return areas.at(at - 1);
    case "Home":
      return areas[0];
    case "End":
      return areas.at(-1);
    default:
      return undefined;
  }
}

/** ID of the settings beside an area. */
const BESIDE = "setup-beside";

/**
 * Moves the focus to an area that a button elsewhere has opened: the button may be gone, and whoever cannot see the
 * page would not notice. The tabs keep the focus, and so does a dialog.
 */
function useFocusOnArea(chosen: Area, area: Area, beside: boolean): void {
  const shown = useRef(chosen);
  useEffect(() => {
    if (shown.current === chosen) return;
    shown.current = chosen;
    if (document.activeElement?.closest("[role=tablist], [role=dialog], dialog") != null) return;
    document.getElementById(chosen === "setup" && beside ? BESIDE : `area-${area}`)?.focus({ preventScroll: true });
  }, [chosen, area, beside]);
}

/** "3 of 21" while a table runs. */
function progressText({ plan, queue }: TableState): string | null {
  if (plan.kind !== "ready" || queue.kind !== "running") return null;
  const { waiting, running, finished, failed } = countStates(plan.cells, plan.states);
  return PAGE.tableProgress(finished, waiting + running + finished + failed);
}

/**
 * Asks before the tab is closed during a run, unless the run is paused and its state is saved, and while a run that has
 * ended is not stored.
 */
function useUnloadGuard(): void {
  const saved = useRecovery((state) => state.saved);
  const active = useRun(({ run }) => isActive(run) && !(run.kind === "paused" && isSavedAt(saved, run.step)));
  const unsaved = useRuns((state) => state.unsaved.size > 0);
  useEffect(() => {
    if (!active && !unsaved) return undefined;
    const guard = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener("beforeunload", guard);
    return () => window.removeEventListener("beforeunload", guard);
  }, [active, unsaved]);
}
