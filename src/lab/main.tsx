/** @file Entry of the page: starts the workers, puts the lab together, opens the link in the address, draws. */
import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "./shell/app/tokens.css";
import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { createRoot } from "react-dom/client";
import { randomId } from "../base/randomId.ts";
import { openWeightsCache } from "../weights/cache/cachingOpener.browser.ts";
import { App } from "./shell/app/App.tsx";
import { LabContext } from "./shell/app/labContext.ts";
import { theme } from "./shell/app/theme.ts";
import { adoptThemeStyles } from "./shell/app/styles.ts";
import { followAddress } from "./shell/app/address.ts";
import { keepScreenOn } from "./recovery/wakeLock.ts";
import { uncaughtErrors, watchUncaughtErrors } from "./shell/uncaughtErrors/uncaughtErrorStore.ts";
import { watchSiteFiles } from "./shell/siteFiles/siteFilesStore.ts";
import { createLab } from "./lab.ts";
import { MergedModels } from "./runs/merge/mergedModels.ts";
import { HostController, HOSTS_KEY } from "./shell/hosts/hostController.ts";
import { browserSettings } from "./support/savedSettings.ts";
import { openArchives } from "./storage/archives.ts";
import { StorageController } from "./setup/models/storageController.ts";
import { experimentTitle, openedLinks } from "./start/shared.ts";
import { startDiagnostics } from "./shell/diagnostics/startDiagnostics.ts";
import { DiagnosticsContext } from "./shell/diagnostics/diagnosticsContext.ts";
import { codec } from "./setup/codec.ts";
import { LabClient } from "./worker/client.ts";
import { browserPage, frameOrTimer } from "./worker/schedule.ts";
import { startWorkers } from "./worker/startWorkers.ts";

adoptThemeStyles();
watchSiteFiles(window);
watchUncaughtErrors(window, "page", uncaughtErrors.getState().report);
const tab = randomId();
const addressHub = new URLSearchParams(location.search).get("hubUrl");
const hosts = new HostController({ saved: browserSettings, home: new URL(".", document.baseURI).href, addressHub });
window.addEventListener("storage", ({ key, newValue }) => {
  if (key === HOSTS_KEY) hosts.savedElsewhere(newValue);
});
const site = startDiagnostics(tab, hosts);
const home = new URL(".", document.baseURI).href;
const storage = new StorageController(openWeightsCache, navigator.storage, new MergedModels(home));
const client = new LabClient(
  startWorkers({ onNotice: (notice) => storage.onNotice(notice), tab, onError: uncaughtErrors.getState().report }),
  frameOrTimer(browserPage),
);
const lab = createLab({
  client,
  codec,
  archives: openArchives(home),
  storage,
  hosts,
  now: () => Date.now(),
  newId: () => randomId(),
});
followAddress({
  store: lab.spec,
  codec,
  view: lab.view,
  received: lab.received,
  heard: {
    opened: (fragment) =>
      openedLinks.getState().opened({ fragment, title: experimentTitle(lab.spec.getState()), openedAt: Date.now() }),
    wrote: openedLinks.getState().wrote,
  },
});
lab.device.open();
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
