/** @file Says that the site has a new version or cannot be reached. The page is reloaded only when the user asks. */
import { Button } from "@mantine/core";
import type { JSX } from "react";
import { useStore } from "zustand";
import { isActive } from "../../run/runState.ts";
import { Banner } from "../../ui/Banner.tsx";
import { useRun, useTable } from "../app/labContext.ts";
import { SITE_FILES } from "../copy.ts";
import { dismissSiteFiles, siteFiles } from "./siteFilesStore.ts";

export function SiteFilesBanner(): JSX.Element | null {
  const { kind } = useStore(siteFiles);
  const isBusy = useRun(({ run }) => isActive(run));
  const isQueued = useTable(({ queue }) => queue.kind === "running");
  if (kind === "complete") return null;
  const running = isBusy || isQueued;
  const tools = (
    <>
      {/* An unfinished run could not be resumed by another version, and without the site nothing comes back. */}
      {kind === "new_version" && !running && (
        <Button variant="default" size="xs" onClick={() => window.location.reload()}>
          {SITE_FILES.reload}
        </Button>
      )}
      <Button variant="default" size="xs" onClick={() => dismissSiteFiles(siteFiles)}>
        {SITE_FILES.dismiss}
      </Button>
    </>
  );
  return (
    <Banner tone="info" testId="site-files" tools={tools}>
      <strong>{SITE_FILES.titles[kind]}</strong> {SITE_FILES.texts[kind]}
      {running && <> {kind === "new_version" ? SITE_FILES.runFirst : SITE_FILES.runContinues}</>}
    </Banner>
  );
}
