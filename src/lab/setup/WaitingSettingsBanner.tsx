/** @file Asks before a link, a card or an earlier run replaces settings that were edited and never run. */
import { Button } from "@mantine/core";
import type { JSX } from "react";
import { useLab, useSpec, useView } from "../shell/app/labContext.ts";
import { Banner } from "../ui/Banner.tsx";
import { acceptSettings } from "./acceptSettings.ts";
import { WAITING_SETTINGS } from "./copy.ts";

export function WaitingSettingsBanner(): JSX.Element | null {
  const waiting = useSpec((state) => state.waiting);
  const lab = useLab();
  const show = useView((view) => view.show);
  const dismiss = useSpec((state) => state.dismissWaiting);
  if (waiting === null) return null;
  const accept = (): void => {
    if (acceptSettings(lab)) show("run");
  };
  return (
    <Banner
      tone="info"
      testId="waiting-settings"
      tools={
        <>
          <Button variant="filled" size="xs" onClick={accept}>
            {waiting.starts ? WAITING_SETTINGS.replaceAndStart : WAITING_SETTINGS.replace}
          </Button>
          <Button variant="default" size="xs" onClick={dismiss}>
            {WAITING_SETTINGS.keep}
          </Button>
        </>
      }
    >
      <strong>{waiting.origin.kind === "link" ? WAITING_SETTINGS.link : WAITING_SETTINGS.other}</strong>{" "}
      {WAITING_SETTINGS.text}
    </Banner>
  );
}
