/** @file The settings as a form, section by section. */
import { useState, type JSX } from "react";
import { useSpec } from "../shell/app/labContext.ts";
import { ChevronIcon } from "../ui/icons.tsx";
import { FORM } from "./copy.ts";
import { DataFields } from "./DataFields.tsx";
import { EvalFields } from "./EvalFields.tsx";
import { Field } from "./Field.tsx";
import { MethodFields, MoreMethodFields, useDraftMethod } from "./MethodFields.tsx";
import { ModelFields } from "./models/ModelFields.tsx";
import { methodFields, SECTIONS, type Section } from "./sections.ts";
import css from "./setup.module.css";

export function Form(): JSX.Element {
  return (
    <form onSubmit={(event) => event.preventDefault()}>
      {SECTIONS.map((section) => (
        <FormSection key={section.id} section={section} />
      ))}
    </form>
  );
}

function FormSection({ section }: { readonly section: Section }): JSX.Element {
  const methodPaths = methodFields(useDraftMethod(), true).map(({ name }) => `method.${name}`);
  const [open, setOpen] = useState(false);
  const problems = useSpec(({ check }) => (check.kind === "invalid" ? check.problems : null));
  const advanced = section.id === "method" ? methodPaths : section.advanced;
  // A problem in a folded field unfolds it.
  const shown = open || (problems?.some(({ path }) => advanced.includes(path)) ?? false);
  return (
    <section className={css.section} aria-labelledby={`section-${section.id}`}>
      <h2 className={css.sectionTitle} id={`section-${section.id}`}>
        {section.title}
      </h2>
      <BasicFields section={section} />
      {advanced.length > 0 && (
        <>
          <button type="button" className={css.more} aria-expanded={shown} onClick={() => setOpen(!shown)}>
            <ChevronIcon />
            {shown ? FORM.showLess : FORM.showMore(advanced.length)}
          </button>
          {shown &&
            (section.id === "method" ? <MoreMethodFields /> : advanced.map((path) => <Field key={path} path={path} />))}
        </>
      )}
    </section>
  );
}

function BasicFields({ section }: { readonly section: Section }): JSX.Element {
  switch (section.id) {
    case "model":
      return <ModelFields />;
    case "data":
      return <DataFields />;
    case "method":
      return <MethodFields />;
    case "eval":
      return <EvalFields />;
    default:
      return (
        <>
          {section.basic.map((path) => (
            <Field key={path} path={path} />
          ))}
        </>
      );
  }
}
