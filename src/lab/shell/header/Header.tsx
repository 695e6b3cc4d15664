/** @file The header: name, device, link, tour, presentation mode, colour scheme. */
import { ActionIcon, Button, Tooltip, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import type { JSX } from "react";
import { useStore } from "zustand";
import { presentation, PRESENTATION_KEYS } from "../app/presentation.ts";
import { useDevice, useLab, useSpec } from "../app/labContext.ts";
import { LinkIcon, MoonIcon, PresentIcon, SunIcon, TourIcon } from "../../ui/icons.tsx";
import { Mark } from "../../ui/Mark.tsx";
import { OfflineChip } from "../diagnostics/OfflineChip.tsx";
import { usePanel } from "../diagnostics/diagnosticsContext.ts";
import { tour } from "../../start/shared.ts";
import { copyText } from "../../support/clipboard.ts";
import { bytes } from "../../support/format.ts";
import { HEADER } from "../copy.ts";
import { STOPS } from "../tour/stops.ts";
import type { DeviceState } from "./deviceStore.ts";
import { useReason } from "../../ui/Reason.tsx";
import { experimentLink } from "../../setup/specStore.ts";
import css from "./header.module.css";

export function Header(): JSX.Element {
  return (
    <header className={css.header}>
      <div className={css.brand}>
        <Mark />
        <h1 className={css.name}>{HEADER.name}</h1>
        <span className={css.tagline}>{HEADER.tagline}</span>
      </div>
      <div className={css.tools}>
        <OfflineChip />
        <DeviceChip />
        <CopyLink />
        <TourButton />
        <PresentationToggle />
        <SchemeToggle />
      </div>
    </header>
  );
}

function DeviceChip(): JSX.Element {
  const device = useDevice();
  const { text, tone, detail } = describe(device);
  const show = usePanel((panel) => panel.show);
  return (
    <Tooltip label={detail} style={{ whiteSpace: "pre-line" }} events={{ hover: true, focus: true, touch: true }}>
      <button
        type="button"
        className={css.chip}
        data-tone={tone}
        data-testid="device-chip"
        aria-haspopup="dialog"
        onClick={() => show("device")}
      >
        <span className={css.dot} />
        <span className={css.chipText}>{text}</span>
      </button>
    </Tooltip>
  );
}

function describe(state: DeviceState): {
  readonly text: string;
  readonly tone: "good" | "warn" | "bad" | "plain";
  readonly detail: string;
} {
  switch (state.kind) {
    case "opening":
      return { text: HEADER.opening, tone: "plain", detail: HEADER.openingHint };
    case "missing":
      return { text: HEADER.missing, tone: "bad", detail: `${state.failure.what}. ${state.failure.fix}` };
    case "lost":
      return { text: HEADER.lost, tone: "bad", detail: `${state.failure.what}. ${state.failure.fix}` };
    case "ready": {
      const { name, software, maxBufferBytes, maxBindingBytes } = state.device;
      const limits = HEADER.limits(bytes(maxBufferBytes), bytes(maxBindingBytes));
      return software
        ? { text: HEADER.software(name), tone: "warn", detail: HEADER.softwareHint(limits) }
        : { text: name, tone: "good", detail: HEADER.gpuHint(limits) };
    }
  }
}

function CopyLink(): JSX.Element {
  const lab = useLab();
  const draft = useSpec((state) => state.draft);
  const valid = useSpec((state) => state.check.kind === "valid");
  // Setup says which settings are invalid.
  const reason = useReason(valid ? null : HEADER.copyLinkInvalid, { quiet: true });
  const copy = async (): Promise<void> => {
    const link = experimentLink(lab.codec, window.location.href, draft);
    await copyText(link);
    notifications.show({ message: HEADER.linkCopied, autoClose: 4000 });
  };
  return (
    <>
      <Tooltip label={HEADER.copyLinkHint}>
        <Button
          variant="default"
          size="xs"
          leftSection={<LinkIcon />}
          className={css.copyLink}
          onClick={() => void copy()}
          disabled={!valid}
          aria-label={HEADER.copyLink}
          aria-describedby={reason.describedBy}
        >
          <span className={css.long}>{HEADER.copyLink}</span>
          <span className={css.short}>{HEADER.copyLinkShort}</span>
        </Button>
      </Tooltip>
      {reason.text}
    </>
  );
}

function TourButton(): JSX.Element {
  const begin = useStore(tour, (state) => state.begin);
  return (
    <Tooltip label={HEADER.tourHint(STOPS.length)}>
      <ActionIcon variant="default" size={30} aria-label={HEADER.tour} onClick={begin} className={css.roomy}>
        <TourIcon />
      </ActionIcon>
    </Tooltip>
  );
}

function PresentationToggle(): JSX.Element {
  const { on, toggle } = useStore(presentation);
  // By the key's position: with Alt, many layouts produce a different letter.
  useHotkeys([[PRESENTATION_KEYS, toggle, { usePhysicalKeys: true }]], []);
  return (
    <Tooltip label={on ? HEADER.presentationOff(PRESENTATION_KEYS) : HEADER.presentationOn(PRESENTATION_KEYS)}>
      <ActionIcon
        variant={on ? "filled" : "default"}
        size={30}
        aria-label={HEADER.presentation}
        aria-pressed={on}
        aria-keyshortcuts={PRESENTATION_KEYS}
        onClick={toggle}
        className={css.roomy}
      >
        <PresentIcon />
      </ActionIcon>
    </Tooltip>
  );
}

function SchemeToggle(): JSX.Element {
  // Without keepTransitions, Mantine adds a <style> element, which the page's policy forbids.
  const { setColorScheme } = useMantineColorScheme({ keepTransitions: true });
  const shown = useComputedColorScheme("light");
  const other = shown === "light" ? "dark" : "light";
  return (
    <Tooltip label={HEADER.scheme(other)}>
      <ActionIcon variant="default" size={30} aria-label={HEADER.scheme(other)} onClick={() => setColorScheme(other)}>
        {shown === "light" ? <MoonIcon /> : <SunIcon />}
      </ActionIcon>
    </Tooltip>
  );
}
