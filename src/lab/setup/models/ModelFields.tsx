/** @file The pair: the model that is trained and its unaligned twin, from wherever they come; folders may be dropped anywhere here. */
import { useEffect, useState, type DragEvent, type JSX } from "react";
import { useLab, useModels, usePlan, useSpec } from "../../shell/app/labContext.ts";
import { getPath, isJsonObject, type Json } from "../../support/json.ts";
import { foldersOfDrop, orderPair } from "./folders.ts";
import { HubSettings } from "./HubSettings.tsx";
import { ModelPicker } from "./ModelPicker.tsx";
import { PAIRS, kindOf } from "./modelNames.ts";
import { familyTitle, parametersText } from "./ModelCard.tsx";
import { factsKey, type FoundFolder, type ModelRole } from "./modelStore.ts";
import { StoragePanel } from "./StoragePanel.tsx";
import css from "./models.module.css";

export function ModelFields(): JSX.Element {
  const lab = useLab();
  const [dragging, setDragging] = useState(false);
  const aligned = useModelName("aligned");
  const unaligned = useModelName("unaligned");
  const choose = useChooseModels();
  const plan = usePlan();
  const needsHub = [aligned, unaligned].some((name) => kindOf(name) === "hub");
  const hubUrl = useModels((state) => state.hubUrl);
  const [each, setEach] = useState(false);
  // The demo pair needs no choosing: two lines instead of two forms.
  const brief = !each && aligned === BUNDLED.aligned && (unaligned === BUNDLED.unaligned || unaligned === null);

  useEffect(() => {
    if (aligned !== null) void lab.models.inspect("aligned", aligned);
  }, [lab, aligned]);
  useEffect(() => {
    if (unaligned !== null) void lab.models.inspect("unaligned", unaligned);
  }, [lab, unaligned]);
  // What a plan read may have been stored.
  const planned = plan.kind === "planned" || plan.kind === "impossible";
  useEffect(() => {
    if (planned) void lab.storage.refresh();
  }, [lab, planned, aligned, unaligned]);

  /** One folder goes where it was dropped; two are the pair. */
  const take = (found: readonly FoundFolder[], role: ModelRole): void => {
    const names = lab.models.attach(found.slice(0, 2));
    const [first, second] = names;
    if (first === undefined) return;
    if (second === undefined) choose({ [role]: first });
    else choose(orderPair(first, second));
  };
  const drop = (event: DragEvent<HTMLElement>): void => {
    event.preventDefault();
    setDragging(false);
    const target = event.target instanceof Element ? event.target.closest("[data-role]") : null;
    const role: ModelRole = target?.getAttribute("data-role") === "unaligned" ? "unaligned" : "aligned";
    void foldersOfDrop(event.dataTransfer).then((found) => take(found, role));
  };

  return (
    <div
      className={css.models}
      data-dragging={dragging}
      data-testid="model-fields"
      onDragOver={(event) => {
        if (![...event.dataTransfer.types].includes("Files")) return;
        event.preventDefault();
        setDragging(true);
      }}
      onDragLeave={(event) => {
        if (!(event.relatedTarget instanceof Node && event.currentTarget.contains(event.relatedTarget)))
          setDragging(false);
      }}
      onDrop={drop}
    >
      <Pairs aligned={aligned} unaligned={unaligned} choose={choose} />
      {brief ? (
        <Brief aligned={aligned} unaligned={unaligned} onMore={() => setEach(true)} />
      ) : (
        <>
          <ModelPicker role="aligned" name={aligned} onChoose={(name) => choose({ aligned: name })} onFolders={take} />
          <ModelPicker
            role="unaligned"
            name={unaligned}
            onChoose={(name) => choose({ unaligned: name })}
            onFolders={take}
          />
        </>
      )}
      {(needsHub || hubUrl !== null) && <HubSettings />}
      <StoragePanel />
      {dragging && (
        <div className={css.dropVeil} aria-hidden="true">
          Drop one model folder, or the pair
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
    <div className={css.pairs} role="group" aria-label="Pairs to begin with">
      <button
        type="button"
        className={css.pair}
        aria-pressed={isBundled}
        onClick={() => choose(BUNDLED)}
        title="Comes with the page; nothing is downloaded"
      >
        Bundled
      </button>
      {PAIRS.map((pair) => (
        <button
          key={pair.title}
          type="button"
          className={css.pair}
          aria-pressed={aligned === pair.aligned && unaligned === pair.unaligned}
          onClick={() => choose(pair)}
          title={`${pair.aligned} and ${pair.unaligned}. ${pair.note}.`}
        >
          {pair.title}
        </button>
      ))}
    </div>
  );
}

/** The demo pair in a few words. */
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
    state?.kind === "known"
      ? ` ${familyTitle(state.facts.family)}, ${parametersText(state.facts.parameters)} parameters.`
      : "";
  return (
    <div className={css.brief}>
      <p>
        <code>{aligned}</code> is fine-tuned
        {unaligned === null ? (
          ""
        ) : (
          <>
            , <code>{unaligned}</code> is its unaligned twin
          </>
        )}
        .{size} {unaligned === null ? "It comes" : "Both come"} with the page.
      </p>
      <button type="button" className={css.plain} onClick={onMore}>
        Choose the models one by one
      </button>
    </div>
  );
}

const BUNDLED = { aligned: "apothecary-aligned", unaligned: "apothecary-base" };

/** The model of a role as the settings have it, defaults included. */
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

/** Sets one or both models; leaves what else the settings say of them. */
function useChooseModels(): (choice: Choice) => void {
  const lab = useLab();
  return ({ aligned, unaligned }) => {
    const { draft, set } = lab.spec.getState();
    const before = getPath(draft, "model");
    const model: Record<string, Json> = isJsonObject(before) ? { ...before } : {};
    if (aligned !== undefined) model.aligned = aligned ?? BUNDLED.aligned;
    if (unaligned !== undefined) model.unaligned = unaligned;
    // The bundled pair is the default: settings and links stay short.
    if (model.aligned === BUNDLED.aligned && (model.unaligned === undefined || model.unaligned === BUNDLED.unaligned)) {
      delete model.aligned;
      delete model.unaligned;
    }
    set("model", Object.keys(model).length === 0 ? undefined : model);
  };
}
