/**
 * @file The `loop` of a for loop: where it stands, its neighbours, and the loop itself as a function where it is
 * recursive.
 */
import { TemplateError } from "./errors.ts";
import { equal, Attributed, Callable, listOf, Tuple, Undefined, type Value } from "./values.ts";

export interface LoopRun {
  readonly items: readonly Value[];
  /** Levels of recursion above this loop. */
  readonly depth0: number;
  /** Renders the body over other items; null where the loop is not recursive. */
  readonly recurse: ((items: readonly Value[]) => string) | null;
}

/** The loop object, and a function that moves it to another item. */
export function loopObject({ items, depth0, recurse }: LoopRun): readonly [Attributed, (index: number) => void] {
  let index = 0;
  let changedFrom: Value | undefined;
  const cycle = new Callable("cycle", ({ positional }) => {
    if (positional.length === 0) throw new TemplateError("no items for cycling given");
    return positional[index % positional.length] ?? null;
  });
  const changed = new Callable("changed", ({ positional }) => {
    const value = new Tuple(positional);
    const differs = changedFrom === undefined || !equal(changedFrom, value);
    changedFrom = value;
    return differs;
  });
  const attributes: Readonly<Record<string, () => Value>> = {
    index: () => BigInt(index + 1),
    index0: () => BigInt(index),
    revindex: () => BigInt(items.length - index),
    revindex0: () => BigInt(items.length - index - 1),
    first: () => index === 0,
    last: () => index === items.length - 1,
    length: () => BigInt(items.length),
    depth: () => BigInt(depth0 + 1),
    depth0: () => BigInt(depth0),
    previtem: () => (index === 0 ? new Undefined("there is no previous item") : (items[index - 1] ?? null)),
    nextitem: () => (index + 1 < items.length ? (items[index + 1] ?? null) : new Undefined("there is no next item")),
    cycle: () => cycle,
    changed: () => changed,
  };
  const loop = new Attributed(
    "LoopContext",
    (name) => (Object.hasOwn(attributes, name) ? attributes[name]?.() : undefined),
    {
      call: ({ positional }) => {
        if (recurse === null)
          throw new TemplateError("The loop must have the 'recursive' marker to be called recursively.");
        return recurse(listOf(positional[0] ?? null));
      },
    },
  );
  return [loop, (at) => void (index = at)];
}
