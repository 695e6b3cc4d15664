/** @file The model section: the aligned and the unaligned model. Folders can be dropped anywhere on it. */
import { useEffect, useState, type DragEvent, type JSX } from "react";
import { Pill, LinkButton } from "../../ui/buttons.tsx";
import { useFileDrop } from "../../ui/useFileDrop.ts";
import { useLab, useModels, usePlan, useSpec } from "../../shell/app/labContext.ts";
import { getPath, isJsonObject, type Json } from "../../support/json.ts";
import { BRIEF, DROP_HINT, PAIRS_COPY } from "./copy.ts";
import { foldersOfDrop, orderPair } from "./folders.ts";
import { HubSettings } from "./HubSettings.tsx";
import { ModelPicker } from "./ModelPicker.tsx";
import { PAIRS, kindOf } from "./modelNames.ts";
import { familyTitle, parametersText } from "./ModelCard.tsx";
import { factsKey, type FoundFolder, type ModelRole } from "./modelController.ts";
import { StoragePanel } from "./StoragePanel.tsx";
import css from "./models.module.css";

/** Asks for a model's facts, and again when they were forgotten: another token, another hub, another allowed host. */
function useFacts(role: ModelRole, name: string | null): void {
  const { models } = useLab();
  const known = useModels(({ facts }) => name !== null && facts[factsKey(role, name)] !== undefined);
  useEffect(() => {
    if (name !== null && !known) void models.inspect(role, name);
  }, [models, role, name, known]);
}

export function ModelFields(): JSX.Element {
  const lab = useLab();
  const aligned = useModelName("aligned");
  const unaligned = useModelName("unaligned");
  const choose = useChooseModels();
  const plan = usePlan();
  const needsHub = [aligned, unaligned].some((name) => kindOf(name) === "hub");
  const hubUrl = useModels((state) => state.hubUrl);
  const [each, setEach] = useState(false);
  // The bundled models take two lines instead of two forms.
  const brief = !each && aligned === BUNDLED.aligned && (unaligned === BUNDLED.unaligned || unaligned === null);

  useFacts("aligned", aligned);
  useFacts("unaligned", unaligned);
  // Planning may have saved model files.
  const planned = plan.kind === "planned" || plan.kind === "impossible";
  useEffect(() => {
    if (planned) void lab.storage.refresh();
  }, [lab, planned, aligned, unaligned]);

  /** One folder sets the model on which it was dropped; two set both. */
  const take = async (found: readonly FoundFolder[], role: ModelRole): Promise<void> => {
    const [first, second] = await lab.models.attach(found.slice(0, 2));
    if (first === undefined) return;
    if (second === undefined) choose({ [role]: first });
    else choose(orderPair(first, second));
  };
  const drop = useFileDrop((event: DragEvent<HTMLElement>) => {
    const target = event.target instanceof Element ? event.target.closest("[data-role]") : null;
    const role: ModelRole = target?.getAttribute("data-role") === "unaligned" ? "unaligned" : "aligned";
    void foldersOfDrop(event.dataTransfer).then((found) => take(found, role));
  });

  return (
    <div className={css.models} data-dragging={drop.over} data-testid="model-fields" {...drop.target}>
      <Pairs aligned={aligned} unaligned={unaligned} choose={choose} />
      {brief ? (
        <Brief aligned={aligned} unaligned={unaligned} onMore={() => setEach(true)} />
      ) : (
        <>
          <ModelPicker
            role="aligned"
            name={aligned}
            onChoose={(name) => choose({ aligned: name })}
            onFolders={(found, role) => void take(found, role)}
          />
          <ModelPicker
            role="unaligned"
            name={unaligned}
            onChoose={(name) => choose({ unaligned: name })}
            onFolders={(found, role) => void take(found, role)}
          />
        </>
      )}
      {(needsHub || hubUrl !== null) && <HubSettings />}
      <StoragePanel />
      {drop.over && (
        <div className={css.dropVeil} aria-hidden="true">
          {DROP_HINT}
        </div>
      )}
    </div>
  );
}

type Choice = { readonly aligned?: string | null; readonly unaligned?: string | null };

function Pairs({
  aligned,
  unaligned,
  choose,
}: {
  readonly aligned: string | null;
  readonly unaligned: string | null;
  readonly choose: (choice: Choice) => void;
}): JSX.Element {
  const isBundled = aligned === BUNDLED.aligned && unaligned === BUNDLED.unaligned;
  return (
    <div className={css.pairs} role="group" aria-label={PAIRS_COPY.label}>
      <Pill small pressed={isBundled} onClick={() => choose(BUNDLED)} title={PAIRS_COPY.bundledHint}>
        {PAIRS_COPY.bundled}
      </Pill>
      {PAIRS.map((pair) => (
        <Pill
          key={pair.title}
          small
          pressed={aligned === pair.aligned && unaligned === pair.unaligned}
          onClick={() => choose(pair)}
          title={PAIRS_COPY.hint(pair.aligned, pair.unaligned, pair.note)}
        >
          {pair.title}
        </Pill>
      ))}
    </div>
  );
}

/** The bundled models in two lines. */
function Brief({
  aligned,
  unaligned,
  onMore,
}: {
  readonly aligned: string;
  readonly unaligned: string | null;
  readonly onMore: () => void;
}): JSX.Element {
  const state = useModels(({ facts }) => facts[factsKey("aligned", aligned)]);
  const size =
    state?.kind === "known" ? BRIEF.size(familyTitle(state.facts.family), parametersText(state.facts.parameters)) : "";
  return (
    <div className={css.brief}>
      <p>
        <code>{aligned}</code>
        {BRIEF.fineTuned}
        {unaligned !== null && (
          <>
            {BRIEF.comparedWith}
            <code>{unaligned}</code>
            {BRIEF.unaligned}
          </>
        )}
        .{size}
        {BRIEF.included(unaligned !== null)}
      </p>
      <LinkButton onClick={onMore}>{BRIEF.choose}</LinkButton>
    </div>
  );
}

const BUNDLED = { aligned: "apothecary-aligned", unaligned: "apothecary-base" };

/** The model in the settings, or the default. */
function useModelName(role: ModelRole): string | null {
  const path = `model.${role}`;
  return useSpec(({ draft, check }) => {
    const written = getPath(draft, path);
    const value =
      written !== undefined
        ? written
        : check.kind === "valid"
          ? getPath(check.spec, path)
          : role === "aligned"
            ? BUNDLED.aligned
            : null;
    return typeof value === "string" && value !== "" ? value : null;
  });
}

/** Sets one or both models and leaves the other model settings unchanged. */
function useChooseModels(): (choice: Choice) => void {
  const lab = useLab();
  return ({ aligned, unaligned }) => {
    const { draft, set } = lab.spec.getState();
    const before = getPath(draft, "model");
    const model: Record<string, Json> = isJsonObject(before) ? { ...before } : {};
    if (aligned !== undefined) model.aligned = aligned ?? BUNDLED.aligned;
    if (unaligned !== undefined) model.unaligned = unaligned;
    // The bundled models are the default: settings and links stay short.
    if (model.aligned === BUNDLED.aligned && (model.unaligned === undefined || model.unaligned === BUNDLED.unaligned)) {
      delete model.aligned;
      delete model.unaligned;
    }
    set("model", Object.keys(model).length === 0 ? undefined : model);
  };
}
