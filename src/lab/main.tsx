/** @file Entry of the page: starts the workers, puts the lab together, opens the link in the address, draws. */
import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "./shell/app/tokens.css";
import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { createRoot } from "react-dom/client";
import { openWeightsCache } from "../weights/cache/cachingOpener.browser.ts";
import { App } from "./shell/app/App.tsx";
import { LabContext } from "./shell/app/labContext.ts";
import { theme } from "./shell/app/theme.ts";
import { adoptThemeStyles } from "./shell/app/styles.ts";
import { followAddress } from "./shell/app/address.ts";
import { useView } from "./shell/app/viewStore.ts";
import { openSnapshots } from "./recovery/snapshots.ts";
import { openTabChannel, webRunLocks } from "./recovery/runLocks.ts";
import { openUnfinishedArchive } from "./recovery/unfinishedDb.ts";
import { keepScreenOn } from "./recovery/wakeLock.ts";
import { defects, watchUncaughtErrors } from "./shell/uncaughtErrors/uncaughtErrorStore.ts";
import { Lab } from "./lab.ts";
import { ModelStorage } from "./setup/models/storageStore.ts";
import { experimentTitle, openedLinks } from "./start/shared.ts";
import { openRunArchive } from "./runs/runsDb.ts";
import { newTabId, startDiagnostics } from "./shell/diagnostics/startDiagnostics.ts";
import { DiagnosticsContext } from "./shell/diagnostics/diagnosticsContext.ts";
import { codec } from "./setup/codec.ts";
import { openTableArchive } from "./table/tableDb.ts";
import { byFrame, LabClient } from "./worker/client.ts";
import { startWorkers } from "./worker/startWorkers.ts";

adoptThemeStyles();
watchUncaughtErrors(window, "page", defects.getState().report);
const tab = newTabId();
const site = startDiagnostics(tab);
const storage = new ModelStorage(openWeightsCache, navigator.storage);
const client = new LabClient(
  startWorkers((notice) => storage.notice(notice), tab, defects.getState().report),
  byFrame(),
);
const keep = {
  archive: openUnfinishedArchive(),
  snapshots: openSnapshots,
  locks: webRunLocks,
  channel: openTabChannel(),
};
const lab = new Lab({
  client,
  codec,
  archive: openRunArchive(),
  tableArchive: openTableArchive(),
  storage,
  keep,
  hubUrl: new URLSearchParams(location.search).get("hubUrl"),
  now: () => Date.now(),
  newId: () => crypto.randomUUID(),
});
followAddress(lab.spec, codec, useView, lab.received, {
  opened: (fragment) =>
    openedLinks.getState().opened({ fragment, title: experimentTitle(lab.spec.getState()), openedAt: Date.now() }),
  wrote: openedLinks.getState().wrote,
});
client.send({ type: "open_device" });
void lab.load();
keepScreenOn(lab);

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <MantineProvider theme={theme} defaultColorScheme="auto" withCssVariables={false} withGlobalClasses={false}>
    <Notifications position="bottom-right" limit={3} />
    <DiagnosticsContext.Provider value={site}>
      <LabContext.Provider value={lab}>
        <App />
      </LabContext.Provider>
    </DiagnosticsContext.Provider>
  </MantineProvider>,
);
