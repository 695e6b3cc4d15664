/** @file One model of the pair: where it comes from, its name there, and what is known of it. */
import { Button, SegmentedControl, Select, TextInput } from "@mantine/core";
import { useId, useRef, useState, type JSX, type KeyboardEvent } from "react";
import { useModels, useSpec } from "../../shell/app/labContext.ts";
import { FolderIcon } from "../../ui/icons.tsx";
import { foldersOfHandle, foldersOfInput, pickFolder } from "./folders.ts";
import { ModelCard } from "./ModelCard.tsx";
import { hubFromText, hubParts, kindOf, type SourceKind } from "./modelNames.ts";
import type { FoundFolder, ModelRole } from "./modelStore.ts";
import css from "./models.module.css";

const TITLES: Readonly<Record<ModelRole, { readonly title: string; readonly help: string }>> = {
  aligned: { title: "Aligned model", help: "The model that is fine-tuned." },
  unaligned: {
    title: "Unaligned twin",
    help: "The same model before alignment. AsFT and Safe LoRA compare with it; only the matrices that are adapted are read of it.",
  },
};

const KINDS: readonly { readonly value: SourceKind; readonly label: string }[] = [
  { value: "bundled", label: "Bundled" },
  { value: "hub", label: "Hub" },
  { value: "address", label: "Address" },
  { value: "folder", label: "Folder" },
];

interface PickerProps {
  readonly role: ModelRole;
  readonly name: string | null;
  readonly onChoose: (name: string | null) => void;
  readonly onFolders: (found: readonly FoundFolder[], role: ModelRole) => void;
}

export function ModelPicker({ role, name, onChoose, onFolders }: PickerProps): JSX.Element {
  const id = useId();
  const { title, help } = TITLES[role];
  // A kind that was chosen while its name is still to be given; void once the settings name another model.
  const [wish, setWish] = useState<{ readonly kind: SourceKind; readonly over: string | null } | null>(null);
  const named = kindOf(name) ?? "address";
  const kind = wish !== null && wish.over === name ? wish.kind : named;
  const problem = useSpec(({ check }) =>
    check.kind === "invalid"
      ? check.problems.find(({ path }) => path === `model.${role}` || (role === "aligned" && path === "model"))
      : undefined,
  );
  const kinds = role === "unaligned" ? [{ value: "none" as const, label: "None" }, ...KINDS] : KINDS;
  const pick = (next: string): void => {
    const chosen = kinds.find(({ value }) => value === next)?.value ?? "bundled";
    setWish({ kind: chosen, over: name });
    if (chosen === "none") onChoose(null);
    if (chosen === "bundled") onChoose(role === "aligned" ? "apothecary-aligned" : "apothecary-base");
  };
  return (
    <div
      className={css.picker}
      role="group"
      aria-labelledby={`${id}-title`}
      data-role={role}
      data-testid={`model-${role}`}
    >
      <div className={css.pickerHead}>
        <span className={css.pickerTitle} id={`${id}-title`}>
          {title}
        </span>
      </div>
      <p className={css.help}>{help}</p>
      <SegmentedControl
        fullWidth
        size="xs"
        value={kind}
        onChange={pick}
        data={kinds.map(({ value, label }) => ({ value, label }))}
        aria-label={`Where the ${title.toLowerCase()} comes from`}
      />
      {kind === "bundled" && <BundledField role={role} name={name} onChoose={onChoose} />}
      {kind === "hub" && <HubField key={name} role={role} name={name} onChoose={onChoose} />}
      {kind === "address" && <AddressField key={name} role={role} name={name} onChoose={onChoose} />}
      {kind === "folder" && <FolderField role={role} name={name} onChoose={onChoose} onFolders={onFolders} />}
      {problem !== undefined && (
        <p className={css.problem} role="alert">
          {problem.message}. {problem.fix}
        </p>
      )}
      {kind === named && name !== null && <ModelCard role={role} name={name} />}
    </div>
  );
}

type FieldProps = Pick<PickerProps, "role" | "name" | "onChoose">;

function BundledField({ role, name, onChoose }: FieldProps): JSX.Element {
  return (
    <Select
      size="sm"
      data={["apothecary-aligned", "apothecary-base"]}
      value={name}
      onChange={(value) => value !== null && onChoose(value)}
      aria-label={`Bundled ${TITLES[role].title.toLowerCase()}`}
      styles={{ input: { fontFamily: "var(--mono)", fontSize: "0.78rem" } }}
    />
  );
}

const MONO = { input: { fontFamily: "var(--mono)", fontSize: "0.78rem" } };

/** Text that is taken over when it is finished: with Enter, or when the field is left. */
function onEnter(take: () => void): (event: KeyboardEvent) => void {
  return (event) => {
    if (event.key === "Enter") take();
  };
}

function HubField({ role, name, onChoose }: FieldProps): JSX.Element {
  const parts = hubParts(name);
  const [repo, setRepo] = useState(parts?.repo ?? "");
  const [revision, setRevision] = useState(parts === null || parts.revision === "main" ? "" : parts.revision);
  const take = (): void => {
    const next = hubFromText(repo, revision);
    if (next !== "" && next !== name) onChoose(next);
  };
  const label = TITLES[role].title;
  return (
    <div className={css.hub}>
      <TextInput
        size="sm"
        value={repo}
        onChange={(event) => setRepo(event.currentTarget.value)}
        onBlur={take}
        onKeyDown={onEnter(take)}
        placeholder="owner/name"
        aria-label={`${label}: hub id`}
        title={repo}
        spellCheck={false}
        autoCapitalize="off"
        styles={MONO}
      />
      <TextInput
        size="sm"
        value={revision}
        onChange={(event) => setRevision(event.currentTarget.value)}
        onBlur={take}
        onKeyDown={onEnter(take)}
        placeholder="main"
        aria-label={`${label}: revision`}
        spellCheck={false}
        autoCapitalize="off"
        styles={MONO}
      />
    </div>
  );
}

function AddressField({ role, name, onChoose }: FieldProps): JSX.Element {
  const kind = kindOf(name);
  const [text, setText] = useState(name !== null && (kind === "address" || kind === null) ? name : "");
  const take = (): void => {
    const next = text.trim();
    if (next !== "" && next !== name) onChoose(/^(https?:|\.{0,2}\/)/i.test(next) ? next : `https://${next}`);
  };
  return (
    <TextInput
      size="sm"
      type="url"
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      onBlur={take}
      onKeyDown={onEnter(take)}
      placeholder="https://host/folder/"
      aria-label={`${TITLES[role].title}: address of the folder`}
      spellCheck={false}
      styles={MONO}
    />
  );
}

function FolderField({ role, name, onChoose, onFolders }: PickerProps): JSX.Element {
  const folders = useModels((state) => state.folders);
  const input = useRef<HTMLInputElement>(null);
  const choose = async (): Promise<void> => {
    const handle = await pickFolder();
    if (handle === "unknown") input.current?.click();
    else if (handle !== null) onFolders(await foldersOfHandle(handle), role);
  };
  return (
    <div className={css.folder}>
      <div className={css.folderRow}>
        <Button variant="default" size="xs" leftSection={<FolderIcon />} onClick={() => void choose()}>
          Choose a folder
        </Button>
        <span className={css.help}>or drop it here, alone or with its twin</span>
      </div>
      {folders.length > 0 && (
        <Select
          size="sm"
          data={folders.map((folder) => ({ value: `folder:${folder}`, label: folder }))}
          value={name !== null && kindOf(name) === "folder" ? name : null}
          onChange={(value) => value !== null && onChoose(value)}
          placeholder="A folder chosen before"
          aria-label={`${TITLES[role].title}: chosen folder`}
          styles={MONO}
        />
      )}
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={`Folder of the ${TITLES[role].title.toLowerCase()}`}
        // Browsers without showDirectoryPicker know this attribute; React passes it on as written.
        {...{ webkitdirectory: "" }}
        onChange={(event) => {
          onFolders(foldersOfInput(event.currentTarget.files ?? []), role);
          event.currentTarget.value = "";
        }}
      />
    </div>
  );
}
