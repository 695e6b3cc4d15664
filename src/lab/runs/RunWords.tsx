/** @file The user's own words about a run: tags and a note, shown under its method and edited in a row of their own. */
import { Button, TagsInput, Textarea } from "@mantine/core";
import { useState, type JSX, type KeyboardEvent } from "react";
import { useRuns } from "../shell/app/labContext.ts";
import { filterChoices, MAX_NOTE_LENGTH, MAX_TAG_LENGTH, MAX_TAGS } from "./runList.ts";
import type { StoredRun } from "./storedRun.ts";
import css from "./runs.module.css";

export function Tags({ run: { tags = [] } }: { readonly run: StoredRun }): JSX.Element | null {
  const narrow = useRuns((state) => state.setFilter);
  if (tags.length === 0) return null;
  return (
    <ul className={css.tags} aria-label="Tags">
      {tags.map((tag) => (
        <li key={tag}>
          <button type="button" onClick={() => narrow({ tag })} title={`Show only runs with the tag “${tag}”`}>
            {tag}
          </button>
        </li>
      ))}
    </ul>
  );
}

/** Kept when it is left; Escape leaves it without a change. */
export function WordsEditor({
  run,
  title,
  onClose,
}: {
  readonly run: StoredRun;
  readonly title: string;
  readonly onClose: () => void;
}): JSX.Element {
  const runs = useRuns((state) => state.runs);
  const annotate = useRuns((state) => state.annotate);
  const [tags, setTags] = useState<string[]>([...(run.tags ?? [])]);
  const [typed, setTyped] = useState("");
  const [note, setNote] = useState(run.note ?? "");
  const save = (): void => {
    // A tag that was typed and not yet finished with Enter counts.
    void annotate(run.runId, { tags: [...tags, typed], note });
    onClose();
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape") onClose();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save();
  };
  return (
    <form
      className={css.words}
      aria-label={`Tags and note of ${title}`}
      onKeyDown={onKey}
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <TagsInput
        size="xs"
        label="Tags"
        placeholder="a word, Enter"
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
        label="Note"
        autosize
        minRows={2}
        maxRows={10}
        maxLength={MAX_NOTE_LENGTH}
        value={note}
        onChange={(event) => setNote(event.currentTarget.value)}
      />
      <div className={css.wordsTools}>
        <Button size="compact-sm" type="submit">
          Keep
        </Button>
        <Button size="compact-sm" variant="default" onClick={onClose}>
          Cancel
        </Button>
      </div>
    </form>
  );
}
