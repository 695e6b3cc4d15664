/** @file What a model's headers say (family, size, dtype, tokenizer), what is read of it, or why it cannot be used. */
import { Button } from "@mantine/core";
import type { JSX } from "react";
import { useLab, useModels, usePlan, useSpec } from "../../shell/app/labContext.ts";
import { planKey } from "../planStore.ts";
import { bytes, count } from "../../support/format.ts";
import type { ModelFacts } from "../../worker/modelFacts.ts";
import { factsKey, type ModelRole } from "./modelController.ts";
import { CopyDetails } from "../../ui/CopyDetails.tsx";
import { CARD } from "./copy.ts";
import css from "./models.module.css";

export function ModelCard({ role, name }: { readonly role: ModelRole; readonly name: string }): JSX.Element | null {
  const lab = useLab();
  const state = useModels(({ facts }) => facts[factsKey(role, name)]);
  if (state === undefined || state.kind === "opening") {
    return (
      <p className={css.card} data-kind="opening" role="status">
        {CARD.opening}
      </p>
    );
  }
  const retry = (): void => {
    lab.models.retry(name);
    void lab.models.inspect(role, name);
  };
  if (state.kind === "failed") {
    return (
      <div className={css.card} data-kind="failed" role="alert">
        <p className={css.what}>{state.failure.what}.</p>
        <p className={css.where}>{state.failure.where}</p>
        <p>{state.failure.fix}</p>
        <Button variant="default" size="compact-xs" onClick={retry}>
          {CARD.retry}
        </Button>{" "}
        <CopyDetails compact failure={state.failure} />
      </div>
    );
  }
  const { facts } = state;
  return (
    <div className={css.card} data-kind={facts.problem === null ? "known" : "failed"} data-testid={`facts-${role}`}>
      <p className={css.figures}>
        <strong>{familyTitle(facts.family)}</strong>
        <span>{CARD.parameters(parametersText(facts.parameters))}</span>
        <span>{facts.dtypes.join(CARD.and)}</span>
        <span>{bytes(facts.bytes)}</span>
      </p>
      <p className={css.details}>{details(facts)}</p>
      {role === "unaligned" && facts.problem === null && <TwinCost />}
      {facts.problem !== null && (
        <>
          <p className={css.what}>{CARD.notSupported(facts.problem.what)}</p>
          <p>{facts.problem.fix}</p>
        </>
      )}
    </div>
  );
}

/** How much of the unaligned model the run reads, once the plan is known. */
function TwinCost(): JSX.Element | null {
  const plan = usePlan();
  const check = useSpec((state) => state.check);
  if (plan.kind !== "planned" || check.kind !== "valid" || plan.key !== planKey(check.spec)) return null;
  const { twin } = plan.plan;
  if (twin === null) return <p className={css.details}>{CARD.notRead}</p>;
  return (
    <p className={css.details} data-testid="twin-cost">
      {CARD.read(bytes(twin.needed), bytes(twin.total), bytes(twin.total - twin.needed))}
    </p>
  );
}

function details({ layers, hiddenSize, vocabSize, tokenizer }: ModelFacts): string {
  const parts = [
    layers === null ? null : CARD.layers(count(layers)),
    hiddenSize === null ? null : CARD.width(count(hiddenSize)),
    vocabSize === null ? null : CARD.vocabulary(count(vocabSize)),
    tokenizer === null ? null : tokenizer ? CARD.tokenizer : CARD.noTokenizer,
  ];
  return parts.filter((part) => part !== null).join(", ");
}

/** 134515008 -> "134.5 M". */
export function parametersText(n: number): string {
  if (n >= 1e9) return `${(n / 1e9).toFixed(2)}\u202fB`;
  if (n >= 1e6) return `${(n / 1e6).toFixed(n >= 1e8 ? 0 : 1)}\u202fM`;
  return count(n);
}

const FAMILIES: Readonly<Record<string, string>> = {
  llama: "Llama",
  qwen2: "Qwen2",
  qwen3: "Qwen3",
  gemma2: "Gemma 2",
  gemma3_text: "Gemma 3",
  mistral: "Mistral",
  phi3: "Phi-3",
  smollm3: "SmolLM3",
};

export function familyTitle(family: string | null): string {
  return family === null ? CARD.unknownFamily : (FAMILIES[family] ?? family);
}
