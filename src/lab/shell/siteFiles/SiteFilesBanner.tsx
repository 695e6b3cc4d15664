/** @file Says that the site has a new version or cannot be reached. The page is reloaded only when the user asks. */
import { Button } from "@mantine/core";
import type { JSX } from "react";
import { useStore } from "zustand";
import { ReloadButton, ReloadText, useReloadOffer } from "../../recovery/ReloadTools.tsx";
import { Banner } from "../../ui/Banner.tsx";
import { SITE_FILES } from "../copy.ts";
import { dismissSiteFiles, siteFiles } from "./siteFilesStore.ts";

export function SiteFilesBanner(): JSX.Element | null {
  const state = useStore(siteFiles);
  const offer = useReloadOffer(state.kind === "new_version" ? state.basin : null);
  if (state.kind === "complete") return null;
  const { kind } = state;
  const tools = (
    <>
      {/* Without the site nothing comes back. */}
      {kind === "new_version" && <ReloadButton offer={offer} reload={reload} />}
      <Button variant="default" size="xs" onClick={() => dismissSiteFiles(siteFiles)}>
        {SITE_FILES.dismiss}
      </Button>
    </>
  );
  return (
    <Banner tone="info" testId="site-files" tools={tools}>
      <strong>{SITE_FILES.titles[kind]}</strong> {SITE_FILES.texts[kind]}
      {kind === "new_version" ? (
        <ReloadText offer={offer} />
      ) : (
        offer.kind !== "now" && offer.kind !== "paused" && <> {SITE_FILES.runContinues}</>
      )}
    </Banner>
  );
}

async function reload(): Promise<boolean> {
  window.location.reload();
  return true;
}
