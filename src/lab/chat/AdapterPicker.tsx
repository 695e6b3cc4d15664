/**
 * @file The adapter of the tuned model: from a run, or a PEFT adapter added here. Switching does not reload the model.
 */
import { Button, FileButton, Select, Switch, TextInput } from "@mantine/core";
import { useMemo, useRef, useState, type DragEvent, type FormEvent, type JSX } from "react";
import type { RunFailure } from "../../experiment/run/events.ts";
import { MergeButton } from "../runs/merge/MergeButton.tsx";
import { useChat, useLab, useRuns, useView } from "../shell/app/labContext.ts";
import { droppedFiles } from "../support/droppedFiles.ts";
import { toFailure } from "../support/failure.ts";
import { CopyDetails } from "../ui/CopyDetails.tsx";
import { readAdapterFolder, runAdapters, adapterTrigger, type ChatAdapter } from "./adapters.ts";
import css from "./chat.module.css";
import { ADAPTER, TRIGGER } from "./copy.ts";

/** The selected adapter, or the newest. */
export function useTuned(): { readonly tuned: ChatAdapter | null; readonly adapters: readonly ChatAdapter[] } {
  const { history } = useLab();
  const runs = useRuns((state) => state.runs);
  const added = useChat((state) => state.addedAdapters);
  const selected = useChat((state) => state.selectedAdapter);
  const adapters = useMemo(
    () => [...added, ...runAdapters(runs, (runId) => history.read(runId))],
    [added, runs, history],
  );
  return { adapters, tuned: adapters.find(({ id }) => id === selected) ?? adapters[0] ?? null };
}

type OnFailure = (failure: RunFailure | null) => void;

export function AdapterPicker({ model }: { readonly model: string | null }): JSX.Element {
  const { tuned } = useTuned();
  const add = useChat((state) => state.addAdapter);
  const [failure, setFailure] = useState<RunFailure | null>(null);
  const [over, setOver] = useState(false);
  const addFiles = async (files: Promise<readonly File[]> | readonly File[]): Promise<void> => {
    try {
      add(await readAdapterFolder(await files));
      setFailure(null);
    } catch (error) {
      setFailure(toFailure(error, "adapter"));
    }
  };
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    void addFiles(droppedFiles(event.dataTransfer));
  };
  return (
    <div
      className={css.picker}
      data-over={over}
      data-testid="adapter-picker"
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <AdapterSelect />
      <TriggerSwitch tuned={tuned} />
      <div className={css.pickerTools}>
        <AddButton onAdd={addFiles} />
        {tuned !== null && <ContinueButton adapter={tuned} onFailure={setFailure} />}
        {tuned !== null && model !== null && <MergeButton adapter={tuned} model={model} />}
      </div>
      <RemoteAdapterForm onFailure={setFailure} />
      <p className={css.dropHint}>{over ? ADAPTER.drop : ADAPTER.dropHint}</p>
      {failure !== null && (
        <p className={css.error} role="alert">
          {failure.what} ({failure.where}). {failure.fix} <CopyDetails compact failure={failure} />
        </p>
      )}
    </div>
  );
}

function AdapterSelect(): JSX.Element {
  const { tuned, adapters } = useTuned();
  const select = useChat((state) => state.selectAdapter);
  return (
    <Select
      label={ADAPTER.label}
      description={ADAPTER.help}
      data={adapters.map(({ id, title, note }) => ({ value: id, label: `${title} · ${note}` }))}
      value={tuned?.id ?? null}
      onChange={(id) => select(id)}
      allowDeselect={false}
      placeholder={adapters.length === 0 ? ADAPTER.none : ADAPTER.choose}
      disabled={adapters.length === 0}
      w={420}
      maw="100%"
    />
  );
}

function AddButton({ onAdd }: { readonly onAdd: (files: readonly File[]) => Promise<void> }): JSX.Element {
  const reset = useRef<() => void>(null);
  return (
    <FileButton
      multiple
      resetRef={reset}
      onChange={(files) => files.length > 0 && void onAdd(files).then(() => reset.current?.())}
      accept=".json,.safetensors"
    >
      {(props) => (
        <Button {...props} variant="default" size="xs" title={ADAPTER.addHint}>
          {ADAPTER.add}
        </Button>
      )}
    </FileButton>
  );
}

interface ContinueButtonProps {
  readonly adapter: ChatAdapter;
  readonly onFailure: OnFailure;
}

function ContinueButton({ adapter, onFailure }: ContinueButtonProps): JSX.Element {
  const lab = useLab();
  const show = useView((view) => view.show);
  const [reading, setReading] = useState(false);
  const continueTraining = async (): Promise<void> => {
    setReading(true);
    try {
      await lab.chat.continueTraining(adapter);
      show("setup");
    } catch (error) {
      onFailure(toFailure(error, "adapter"));
    } finally {
      setReading(false);
    }
  };
  return (
    <Button
      variant="default"
      size="xs"
      title={ADAPTER.continueHint}
      loading={reading}
      onClick={() => void continueTraining()}
    >
      {ADAPTER.continueTraining}
    </Button>
  );
}

/** Loads an adapter from the hub or a URL. */
function RemoteAdapterForm({ onFailure }: { readonly onFailure: OnFailure }): JSX.Element {
  const lab = useLab();
  const [name, setName] = useState("");
  const [loading, setLoading] = useState(false);
  const load = async (): Promise<void> => {
    setLoading(true);
    try {
      lab.hosts.typed(name.trim());
      await lab.chat.addAdapter(name.trim());
      onFailure(null);
      setName("");
    } catch (error) {
      onFailure(toFailure(error, name.trim()));
    } finally {
      setLoading(false);
    }
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void load();
  };
  return (
    <form className={css.pickerTools} onSubmit={submit}>
      <TextInput
        aria-label={ADAPTER.remoteLabel}
        placeholder={ADAPTER.remoteExample}
        size="xs"
        w={300}
        maw="100%"
        value={name}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Button type="submit" variant="default" size="xs" loading={loading} disabled={name.trim() === ""}>
        {ADAPTER.load}
      </Button>
    </form>
  );
}

/** For methods whose safety depends on a trigger (BEA): asks with it or without. */
function TriggerSwitch({ tuned }: { readonly tuned: ChatAdapter | null }): JSX.Element | null {
  const withTrigger = useChat((state) => state.settings.withTrigger);
  const set = useChat((state) => state.setSettings);
  const trigger = tuned === null ? null : adapterTrigger(tuned);
  if (trigger === null) return null;
  return (
    <Switch
      size="xs"
      checked={withTrigger}
      onChange={(event) => set({ withTrigger: event.currentTarget.checked })}
      label={TRIGGER.label}
      description={trigger.place === "system" ? TRIGGER.inSystem(trigger.text) : TRIGGER.beforeQuestion(trigger.text)}
    />
  );
}
