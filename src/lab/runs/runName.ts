/**
 * @file A name for a run that people can remember and say: two words, always the same for one run id.
 *
 * 64 × 64 names: of 50 runs, two share one in a quarter of the cases. The id stays what tells runs apart.
 */
import { hashText } from "../../base/rng.ts";

const FIRST = [
  ..."amber ancient autumn bold bright brisk calm clear clever cobalt copper coral crimson crisp dawn deep".split(" "),
  ..."distant dusty eager early ember evening fair faint fern fleet foggy fresh frosty gentle gilded golden".split(" "),
  ..."grand green hazel hidden humble indigo ivory jade keen late lively lucid lunar maple mellow misty".split(" "),
  ..."modest mossy noble northern olive pale patient plain polar quiet rapid rustic silver solar steady young".split(
    " ",
  ),
];

const SECOND = [
  ..."alder badger beacon birch bison brook canyon cedar cliff clover comet coral cove crane creek dale".split(" "),
  ..."delta dune eagle elm falcon fen finch fjord fox gecko glade grove harbor hare heron hill".split(" "),
  ..."inlet island ibex kestrel lagoon lake lark lynx marsh meadow mesa moose moth oak orchid otter".split(" "),
  ..."owl peak pine plover pond prairie raven reef ridge river robin sparrow spring summit swift tern".split(" "),
];

/** "quiet otter" */
export function runName(runId: string): string {
  return `${wordOf(FIRST, runId, 0)} ${wordOf(SECOND, runId, 1)}`;
}

function wordOf(words: readonly string[], runId: string, salt: number): string {
  return words[hashText(runId, salt) % words.length] ?? "";
}
