/** @file Tags and note of a run: shown under its method, edited in a row of their own. */
import { Button, TagsInput, Textarea } from "@mantine/core";
import { useState, type JSX, type KeyboardEvent } from "react";
import { useLab, useRuns } from "../shell/app/labContext.ts";
import { NOTES } from "./copy.ts";
import { filterChoices, MAX_NOTE_LENGTH, MAX_TAG_LENGTH, MAX_TAGS } from "./runList.ts";
import type { RunSummary } from "./runSummary.ts";
import css from "./runs.module.css";

export function Tags({ run: { tags = [] } }: { readonly run: RunSummary }): JSX.Element | null {
  const narrow = useRuns((state) => state.setFilter);
  if (tags.length === 0) return null;
  return (
    <ul className={css.tags} aria-label={NOTES.tags}>
      {tags.map((tag) => (
        <li key={tag}>
          <button type="button" onClick={() => narrow({ tag })} title={NOTES.filterByTag(tag)}>
            {tag}
          </button>
        </li>
      ))}
    </ul>
  );
}

/** Escape cancels; Ctrl or Cmd + Enter saves. */
export function NotesEditor({
  run,
  title,
  onClose,
}: {
  readonly run: RunSummary;
  readonly title: string;
  readonly onClose: () => void;
}): JSX.Element {
  const runs = useRuns((state) => state.runs);
  const { history } = useLab();
  const [tags, setTags] = useState<string[]>([...(run.tags ?? [])]);
  const [typed, setTyped] = useState("");
  const [note, setNote] = useState(run.note ?? "");
  const save = (): void => {
    // Includes a tag that was typed but not yet confirmed with Enter.
    void history.annotate(run.runId, { tags: [...tags, typed], note });
    onClose();
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape") onClose();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save();
  };
  return (
    <form
      className={css.notes}
      aria-label={NOTES.editor(title)}
      onKeyDown={onKey}
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <TagsInput
        size="xs"
        label={NOTES.tags}
        placeholder={NOTES.tagExample}
        data={[...filterChoices(runs).tags]}
        value={tags}
        onChange={setTags}
        searchValue={typed}
        onSearchChange={setTyped}
        maxTags={MAX_TAGS}
        maxLength={MAX_TAG_LENGTH}
        autoFocus
      />
      <Textarea
        size="xs"
        label={NOTES.note}
        autosize
        minRows={2}
        maxRows={10}
        maxLength={MAX_NOTE_LENGTH}
        value={note}
        onChange={(event) => setNote(event.currentTarget.value)}
      />
      <div className={css.notesTools}>
        <Button size="compact-sm" type="submit">
          {NOTES.save}
        </Button>
        <Button size="compact-sm" variant="default" onClick={onClose}>
          {NOTES.cancel}
        </Button>
      </div>
    </form>
  );
}
