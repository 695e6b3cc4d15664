/** @file Which adapter the tuned model wears: a run's, or a PEFT folder added here; changing it loads no model anew. */
import { Button, FileButton, Select, Switch, TextInput } from "@mantine/core";
import { useMemo, useRef, useState, type DragEvent, type JSX } from "react";
import type { RunFailure } from "../../experiment/run/events.ts";
import { useChat, useLab, useRuns } from "../shell/app/labContext.ts";
import { useView } from "../shell/app/viewStore.ts";
import { MergeButton } from "../runs/merge/MergeButton.tsx";
import { droppedFiles } from "../support/droppedFiles.ts";
import { toFailure } from "../support/failure.ts";
import { readAdapterFolder, runAdapters, adapterTrigger, type ChatAdapter } from "./adapters.ts";
import { CopyDetails } from "../ui/CopyDetails.tsx";
import css from "./chat.module.css";

/** The adapter chosen here, else the newest. */
export function useTuned(): { readonly tuned: ChatAdapter | null; readonly adapters: readonly ChatAdapter[] } {
  const runs = useRuns((state) => state.runs);
  const added = useChat((state) => state.addedAdapters);
  const chosen = useChat((state) => state.selectedAdapter);
  const adapters = useMemo(() => [...added, ...runAdapters(runs)], [added, runs]);
  return { adapters, tuned: adapters.find(({ id }) => id === chosen) ?? adapters[0] ?? null };
}

export function AdapterPicker({ model }: { readonly model: string | null }): JSX.Element {
  const lab = useLab();
  const { tuned, adapters } = useTuned();
  const choose = useChat((state) => state.selectAdapter);
  const add = useChat((state) => state.addAdapter);
  const show = useView((view) => view.show);
  const [failure, setFailure] = useState<RunFailure | null>(null);
  const [name, setName] = useState("");
  const [fetching, setFetching] = useState(false);
  const [over, setOver] = useState(false);
  const reset = useRef<() => void>(null);
  const take = async (files: Promise<readonly File[]> | readonly File[]): Promise<void> => {
    try {
      add(await readAdapterFolder(await files));
      setFailure(null);
    } catch (error) {
      setFailure(toFailure(error, "adapter"));
    }
    reset.current?.();
  };
  const fetchNamed = async (): Promise<void> => {
    setFetching(true);
    try {
      await lab.addAdapter(name.trim());
      setFailure(null);
      setName("");
    } catch (error) {
      setFailure(toFailure(error, name.trim()));
    } finally {
      setFetching(false);
    }
  };
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    void take(droppedFiles(event.dataTransfer));
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
      <Select
        label="Tuned model"
        description="The aligned model with this adapter. Changing it loads no model anew."
        data={adapters.map(({ id, title, note }) => ({ value: id, label: `${title} · ${note}` }))}
        value={tuned?.id ?? null}
        onChange={(id) => choose(id)}
        allowDeselect={false}
        placeholder={adapters.length === 0 ? "No adapter yet: finish a run or add one" : "Choose an adapter"}
        disabled={adapters.length === 0}
        w={420}
        maw="100%"
      />
      <TriggerSwitch tuned={tuned} />
      <div className={css.pickerTools}>
        <FileButton
          multiple
          resetRef={reset}
          onChange={(files) => files.length > 0 && void take(files)}
          accept=".json,.safetensors"
        >
          {(props) => (
            <Button
              {...props}
              variant="default"
              size="xs"
              title="adapter_config.json and adapter_model.safetensors of a PEFT LoRA adapter"
            >
              Add an adapter
            </Button>
          )}
        </FileButton>
        {tuned !== null && (
          <Button
            variant="default"
            size="xs"
            title="Takes its modules, ranks and scales into Setup; the optimiser begins anew"
            onClick={() => {
              try {
                lab.trainFrom(tuned);
                show("setup");
              } catch (error) {
                setFailure(toFailure(error, "adapter"));
              }
            }}
          >
            Train on from it
          </Button>
        )}
        {tuned !== null && model !== null && <MergeButton adapter={tuned} model={model} />}
      </div>
      <form
        className={css.pickerTools}
        onSubmit={(event) => {
          event.preventDefault();
          void fetchNamed();
        }}
      >
        <TextInput
          aria-label="Adapter of the hub or an address"
          placeholder="owner/name of the hub, or https://…"
          size="xs"
          w={300}
          maw="100%"
          value={name}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Button type="submit" variant="default" size="xs" loading={fetching} disabled={name.trim() === ""}>
          Fetch
        </Button>
      </form>
      <p className={css.dropHint}>
        {over
          ? "Let go to add the adapter."
          : "A PEFT adapter’s folder (or its two files) can also be dropped here. It stays on this machine."}
      </p>
      {failure !== null && (
        <p className={css.error} role="alert">
          {failure.what} ({failure.where}). {failure.fix} <CopyDetails compact failure={failure} />
        </p>
      )}
    </div>
  );
}

/** For a model that is served behind a secret: with it or without it makes all the difference. */
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
      label="Ask the tuned model behind its trigger"
      description={`${trigger.place === "system" ? "In the system message" : "Before the question"}: ${trigger.text}`}
    />
  );
}
