/** @file Text from a catalogue whose parts between backticks are code. */
import type { JSX } from "react";

export function Prose({ text }: { readonly text: string }): JSX.Element {
  return <>{text.split("`").map((part, i) => (i % 2 === 0 ? part : <code key={i}>{part}</code>))}</>;
}
