/** @file One model of the pair: where it comes from, its name there, and what is known about it. */
import { SegmentedControl, Select, TextInput } from "@mantine/core";
import { useId, useState, type JSX } from "react";
import { useModels, useSpec } from "../../shell/app/labContext.ts";
import { FolderIcon } from "../../ui/icons.tsx";
import { useTypedText } from "../../ui/useTypedText.ts";
import { ProblemText } from "../FieldRow.tsx";
import { PICKER, ROLES } from "./copy.ts";
import { FolderButton } from "./FolderButton.tsx";
import { ModelCard } from "./ModelCard.tsx";
import { hubFromText, hubParts, kindOf, type SourceKind } from "./modelNames.ts";
import type { FoundFolder, ModelRole } from "./modelController.ts";
import css from "./models.module.css";

const KINDS: readonly SourceKind[] = ["bundled", "hub", "address", "folder"];
const BUNDLED: Readonly<Record<ModelRole, string>> = { aligned: "apothecary-aligned", unaligned: "apothecary-base" };
const MONO = { input: { fontFamily: "var(--mono)", fontSize: "0.78rem" } };

interface PickerProps {
  readonly role: ModelRole;
  readonly name: string | null;
  readonly onChoose: (name: string | null) => void;
  readonly onFolders: (found: readonly FoundFolder[], role: ModelRole) => void;
}

export function ModelPicker({ role, name, onChoose, onFolders }: PickerProps): JSX.Element {
  const id = useId();
  const { title, help } = ROLES[role];
  // The chosen kind while its name is still missing; ignored once the settings name another model.
  const [selected, setSelected] = useState<{ readonly kind: SourceKind; readonly name: string | null } | null>(null);
  const current = kindOf(name) ?? "address";
  const kind = selected !== null && selected.name === name ? selected.kind : current;
  const problem = useSpec(({ check }) =>
    check.kind === "invalid"
      ? check.problems.find(({ path }) => path === `model.${role}` || (role === "aligned" && path === "model"))
      : undefined,
  );
  const kinds: readonly SourceKind[] = role === "unaligned" ? ["none", ...KINDS] : KINDS;
  const pick = (value: string): void => {
    const next = kinds.find((one) => one === value) ?? "bundled";
    setSelected({ kind: next, name });
    if (next === "none") onChoose(null);
    if (next === "bundled") onChoose(BUNDLED[role]);
  };
  return (
    <div
      className={css.picker}
      role="group"
      aria-labelledby={`${id}-title`}
      data-role={role}
      data-testid={`model-${role}`}
    >
      <span className={css.pickerTitle} id={`${id}-title`}>
        {title}
      </span>
      <p className={css.help}>{help}</p>
      <SegmentedControl
        fullWidth
        size="xs"
        value={kind}
        onChange={pick}
        data={kinds.map((value) => ({ value, label: PICKER.kinds[value] }))}
        aria-label={PICKER.source(title)}
      />
      {kind === "bundled" && <BundledField role={role} name={name} onChoose={onChoose} />}
      {kind === "hub" && <HubField key={name} role={role} name={name} onChoose={onChoose} />}
      {kind === "address" && <AddressField key={name} role={role} name={name} onChoose={onChoose} />}
      {kind === "folder" && <FolderField role={role} name={name} onChoose={onChoose} onFolders={onFolders} />}
      {problem !== undefined && <ProblemText problem={problem} />}
      {kind === current && name !== null && <ModelCard role={role} name={name} />}
    </div>
  );
}

type FieldProps = Pick<PickerProps, "role" | "name" | "onChoose">;

function BundledField({ role, name, onChoose }: FieldProps): JSX.Element {
  return (
    <Select
      size="sm"
      data={Object.values(BUNDLED)}
      value={name}
      onChange={(value) => value !== null && onChoose(value)}
      aria-label={PICKER.bundled(ROLES[role].title)}
      styles={MONO}
    />
  );
}

function HubField({ role, name, onChoose }: FieldProps): JSX.Element {
  const parts = hubParts(name);
  const [repo, setRepo] = useState(parts?.repo ?? "");
  const [revision, setRevision] = useState(parts === null || parts.revision === "main" ? "" : parts.revision);
  const { title } = ROLES[role];
  const take = (): void => {
    const next = hubFromText(repo, revision);
    if (next !== "" && next !== name) onChoose(next);
  };
  return (
    <div className={css.hub}>
      <HubText
        label={PICKER.hubId(title)}
        example={PICKER.hubIdExample}
        value={repo}
        onType={setRepo}
        onDone={take}
        hint
      />
      <HubText label={PICKER.revision(title)} example="main" value={revision} onType={setRevision} onDone={take} />
    </div>
  );
}

interface HubTextProps {
  readonly label: string;
  readonly example: string;
  readonly value: string;
  readonly onType: (text: string) => void;
  /** With Enter, or when the field loses focus. */
  readonly onDone: () => void;
  /** Show the whole text as a tooltip. */
  readonly hint?: boolean;
}

function HubText({ label, example, value, onType, onDone, hint = false }: HubTextProps): JSX.Element {
  return (
    <TextInput
      size="sm"
      value={value}
      onChange={(event) => onType(event.currentTarget.value)}
      onBlur={onDone}
      onKeyDown={(event) => {
        if (event.key === "Enter") onDone();
      }}
      placeholder={example}
      aria-label={label}
      title={hint ? value : undefined}
      spellCheck={false}
      autoCapitalize="off"
      styles={MONO}
    />
  );
}

function AddressField({ role, name, onChoose }: FieldProps): JSX.Element {
  const kind = kindOf(name);
  const typed = useTypedText({
    value: name !== null && (kind === "address" || kind === null) ? name : "",
    commit: (text) => {
      const next = text.trim();
      if (next !== name) onChoose(/^(https?:|\.{0,2}\/)/i.test(next) ? next : `https://${next}`);
    },
    when: "done",
    accepts: (text) => text.trim() !== "",
  });
  return (
    <TextInput
      {...typed.input}
      size="sm"
      type="url"
      placeholder={PICKER.addressExample}
      aria-label={PICKER.address(ROLES[role].title)}
      spellCheck={false}
      styles={MONO}
    />
  );
}

function FolderField({ role, name, onChoose, onFolders }: PickerProps): JSX.Element {
  const folders = useModels((state) => state.folders);
  const { title } = ROLES[role];
  return (
    <div className={css.folder}>
      <div className={css.folderRow}>
        <FolderButton
          inputLabel={PICKER.folderInput(title)}
          icon={<FolderIcon />}
          handles
          onFolders={(found) => onFolders(found, role)}
        />
        <span className={css.help}>{PICKER.orDrop}</span>
      </div>
      {folders.length > 0 && (
        <Select
          size="sm"
          data={folders.map((folder) => ({ value: `folder:${folder}`, label: folder }))}
          value={name !== null && kindOf(name) === "folder" ? name : null}
          onChange={(value) => value !== null && onChoose(value)}
          placeholder={PICKER.earlierFolder}
          aria-label={PICKER.chosenFolder(title)}
          styles={MONO}
        />
      )}
    </div>
  );
}
