/** @file A list that grows fast, shown at a pace that its length allows. */
import { useEffect, useRef, useState } from "react";

/** Up to so many entries are shown as they come. */
const SHORT = 300;
const PACE_MS = 250;

interface GrowingList {
  readonly length: number;
  at(index: number): unknown;
}

/** The list as it is, or, once it is long and still grows, as it was at most a quarter of a second ago. */
export function usePaced<List extends GrowingList>(list: List): List {
  const [shown, show] = useState(list);
  const latest = useRef(list);
  const waits = list.length > SHORT && list.length > shown.length && list.at(0) === shown.at(0);
  if (list !== shown && !waits) show(list);
  useEffect(() => {
    latest.current = list;
  }, [list]);
  useEffect(() => {
    if (!waits) return undefined;
    const timer = setTimeout(() => show(latest.current), PACE_MS);
    return () => clearTimeout(timer);
  }, [waits, shown]);
  return waits ? shown : list;
}
