/** @file Text of an input while the user types: kept as typed ("5e", "0.10") until the input loses focus. */
import { useState, type ChangeEvent, type KeyboardEvent } from "react";

export interface TypedText {
  /** The text to show: as typed, or else the current value. */
  readonly text: string;
  /** Whether the user has typed something that is not committed or still has the focus. */
  readonly typing: boolean;
  /** Props of the input. */
  readonly input: {
    readonly value: string;
    readonly onChange: (event: ChangeEvent<HTMLInputElement | HTMLTextAreaElement>) => void;
    readonly onBlur: () => void;
    readonly onKeyDown: (event: KeyboardEvent) => void;
  };
}

export interface TypedTextOptions {
  /** The text of the current value. */
  readonly value: string;
  /** Takes the typed text. */
  readonly commit: (text: string) => void;
  /** "each_key": commit at every change. "done": commit on Enter or when the input loses focus. */
  readonly when: "each_key" | "done";
  /** Text that is not accepted is not committed and stays in the input. */
  readonly accepts?: (text: string) => boolean;
}

export function useTypedText({ value, commit, when, accepts = () => true }: TypedTextOptions): TypedText {
  const [typed, setTyped] = useState<string | null>(null);
  const text = typed ?? value;
  const finish = (): void => {
    if (typed === null || !accepts(typed)) return;
    if (when === "done") commit(typed);
    setTyped(null);
  };
  return {
    text,
    typing: typed !== null,
    input: {
      value: text,
      onChange: (event) => {
        setTyped(event.currentTarget.value);
        if (when === "each_key" && accepts(event.currentTarget.value)) commit(event.currentTarget.value);
      },
      onBlur: finish,
      onKeyDown: (event) => {
        if (when === "done" && event.key === "Enter") finish();
      },
    },
  };
}
