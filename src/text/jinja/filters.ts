/**
 * @file All filters by name.
 */
import { refusedFilter, type Filter } from "./filter.ts";
import { numberFilters } from "./numberFilters.ts";
import { sequenceFilters } from "./sequenceFilters.ts";
import { textFilters } from "./textFilters.ts";

/** Filters of Jinja2 for web pages, files and debugging, and one that is random. */
export const REFUSED_FILTERS: readonly string[] = [
  "filesizeformat",
  "forceescape",
  "pprint",
  "random",
  "striptags",
  "urlize",
  "wordwrap",
  "xmlattr",
];

export const filters: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  ...textFilters,
  ...sequenceFilters,
  ...numberFilters,
  ...REFUSED_FILTERS.map((name) => [name, refusedFilter(name)] as const),
]);
