/** @file The top line: name, device, link, colour scheme. */
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
import { usePanel } from "../diagnostics/panelStore.ts";
import { tour } from "../../start/shared.ts";
import { copyText } from "../../support/clipboard.ts";
import { bytes } from "../../support/format.ts";
import type { DeviceState } from "./deviceStore.ts";
import css from "./header.module.css";

export function Header(): JSX.Element {
  return (
    <header className={css.header}>
      <div className={css.brand}>
        <Mark />
        <h1 className={css.name}>Basin</h1>
        <span className={css.tagline}>fine-tune a model on your own GPU, see what happens to its safety</span>
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
      return { text: "Opening the GPU", tone: "plain", detail: "Asking the browser for a WebGPU device." };
    case "missing":
      return { text: "No WebGPU", tone: "bad", detail: `${state.failure.what}. ${state.failure.fix}` };
    case "lost":
      return { text: "Device lost", tone: "bad", detail: `${state.failure.what}. ${state.failure.fix}` };
    case "ready": {
      const { name, software, maxBufferBytes, maxBindingBytes } = state.device;
      const limits = `Largest buffer ${bytes(maxBufferBytes)}, largest binding ${bytes(maxBindingBytes)}.`;
      return software
        ? {
            text: `Software: ${name}`,
            tone: "warn",
            detail: `The browser offers no hardware GPU: a program on the processor plays one. Numbers are right, but a step takes many times longer.\n${limits}`,
          }
        : { text: name, tone: "good", detail: `Everything runs on this device; nothing is uploaded.\n${limits}` };
    }
  }
}

function CopyLink(): JSX.Element {
  const lab = useLab();
  const draft = useSpec((state) => state.draft);
  const valid = useSpec((state) => state.check.kind === "valid");
  const copy = async (): Promise<void> => {
    const link = lab.link(window.location.href, draft);
    await copyText(link);
    notifications.show({
      message: "Link copied. Whoever opens it gets this experiment, with every setting.",
      autoClose: 4000,
    });
  };
  return (
    <Tooltip
      label={
        valid
          ? "Copy a link that holds this experiment. The settings travel in the link itself; nothing is stored elsewhere."
          : "Mend the settings first: a link should open to something that runs."
      }
    >
      <Button
        variant="default"
        size="xs"
        leftSection={<LinkIcon />}
        onClick={() => void copy()}
        disabled={!valid}
        aria-label="Copy link"
      >
        <span className={css.long}>Copy link</span>
        <span className={css.short}>Link</span>
      </Button>
    </Tooltip>
  );
}

function TourButton(): JSX.Element {
  const begin = useStore(tour, (state) => state.begin);
  return (
    <Tooltip label="Take the tour: six stops, a minute">
      <ActionIcon variant="default" size={30} aria-label="Take the tour" onClick={begin} className={css.roomy}>
        <TourIcon />
      </ActionIcon>
    </Tooltip>
  );
}

function PresentationToggle(): JSX.Element {
  const { on, toggle } = useStore(presentation);
  // By the key's place: with Alt many layouts make another letter of it.
  useHotkeys([[PRESENTATION_KEYS, toggle, { usePhysicalKeys: true }]], []);
  return (
    <Tooltip label={`${on ? "Back to normal size" : "Larger, for a projector"} (${PRESENTATION_KEYS})`}>
      <ActionIcon
        variant={on ? "filled" : "default"}
        size={30}
        aria-label="Presentation mode"
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
  const { setColorScheme } = useMantineColorScheme({ keepTransitions: true }); // without: a <style> that the page's policy forbids
  const shown = useComputedColorScheme("light");
  const other = shown === "light" ? "dark" : "light";
  return (
    <Tooltip label={`Change to ${other} colours`}>
      <ActionIcon
        variant="default"
        size={30}
        aria-label={`Change to ${other} colours`}
        onClick={() => setColorScheme(other)}
      >
        {shown === "light" ? <MoonIcon /> : <SunIcon />}
      </ActionIcon>
    </Tooltip>
  );
}
