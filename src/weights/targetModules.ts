/**
 * @file Which modules a LoRA targets, by PEFT's rules (peft/tuners/tuners_utils.py, `check_target_module_exists` and
 * `_maybe_include_all_linear_layers`):
 *
 *     ["q_proj", "mlp.up_proj"]   a path that equals the name, or ends with "." + the name
 *     "all-linear"                every linear module but the output head
 *     any other string            a regular expression that must match the whole path
 *
 * Unlike PEFT, which is content when anything matches, a name in the list that matches nothing is an error.
 */
import { BasinError } from "../base/error.ts";

export type TargetModules = readonly string[] | string;

/**
 * The targeted paths, in the order of `modulePaths`.
 * @param modulePaths all linear modules of the model, such as "model.layers.0.self_attn.q_proj"
 * @param outputHead the module that "all-linear" leaves out
 * @throws BasinError for a name or pattern that matches nothing, naming the nearest that would
 */
export function matchTargetModules(
  targets: TargetModules,
  modulePaths: readonly string[],
  outputHead = "lm_head",
): string[] {
  if (typeof targets === "string") {
    if (targets.toLowerCase() === "all-linear") return modulePaths.filter((path) => path !== outputHead);
    const pattern = fullMatch(targets);
    const matched = modulePaths.filter((path) => pattern.test(path));
    if (matched.length > 0) return matched;
    throw new BasinError({
      what: `The pattern ${JSON.stringify(targets)} matches no module`,
      where: "target_modules",
      fix:
        "A string is a regular expression over the whole path (such as " +
        `${JSON.stringify(`.*\\.${lastPart(modulePaths[0] ?? "q_proj")}`)}); to give a name, write a list: ` +
        `${JSON.stringify([targets])}. This model has ${shortNames(modulePaths)}.`,
    });
  }
  if (targets.length === 0) {
    throw new BasinError({
      what: "The list of modules is empty",
      where: "target_modules",
      fix: `Name at least one of ${shortNames(modulePaths)}, or write "all-linear".`,
    });
  }
  const matches = (path: string, name: string): boolean => path === name || path.endsWith(`.${name}`);
  for (const name of targets) {
    if (!modulePaths.some((path) => matches(path, name))) throw noSuchModule(name, modulePaths);
  }
  return modulePaths.filter((path) => targets.some((name) => matches(path, name)));
}

/** PEFT matches keys of rank_pattern and alpha_pattern as `(.*\.)?(key)$` (peft/utils/other.py, `get_pattern_key`). */
export function patternMatches(key: string, path: string): boolean {
  return fullMatch(`(.*\\.)?(${key})`, "rank_pattern, alpha_pattern").test(path);
}

/**
 * A Python pattern that must match the whole string (`re.fullmatch`), as a JavaScript one. Python's `.` leaves out line
 * ends, which no path has; `\A`, `\Z` and named groups are spelt otherwise.
 */
function fullMatch(pattern: string, where = "target_modules"): RegExp {
  const spelt = pattern
    .replaceAll("(?P<", "(?<")
    .replaceAll(/\(?P=(\w+)\)/g, "\\k<$1>")
    .replaceAll("\\A", "^")
    .replaceAll("\\Z", "$");
  try {
    return new RegExp(`^(?:${spelt})$`, "s");
  } catch (cause) {
    throw new BasinError({
      what:
        `${JSON.stringify(pattern)} is not a regular expression that Basin understands: ` +
        `${cause instanceof Error ? cause.message : String(cause)}`,
      where,
      fix: "Mend the expression, or give a list of module names.",
      cause,
    });
  }
}

function noSuchModule(name: string, modulePaths: readonly string[]): BasinError {
  // Compared with what is left of each path when cut to as many parts as the name has.
  const depth = name.split(".").length;
  const candidates = [...new Set(modulePaths.map((path) => path.split(".").slice(-depth).join(".")))];
  const nearest = candidates
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ candidate }) => candidate);
  return new BasinError({
    what: `The module name ${JSON.stringify(name)} matches no linear module of this model`,
    where: "target_modules",
    fix: `Nearest: ${nearest.join(", ")}. This model has ${shortNames(modulePaths)}.`,
  });
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}

function shortNames(modulePaths: readonly string[]): string {
  return [...new Set(modulePaths.map(lastPart))].join(", ");
}

/** Levenshtein distance. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitute = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitute, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
