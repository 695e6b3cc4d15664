/**
 * @file Dates in templates. A run must give the same tokens tomorrow, so the clock stands: 26 July 2024, the date that
 * Llama's own template uses where it is given none, at midnight.
 */
import { NotRendered } from "./errors.ts";

const FIXED = new Map([
  ["a", "Fri"],
  ["A", "Friday"],
  ["b", "Jul"],
  ["B", "July"],
  ["c", "Fri Jul 26 00:00:00 2024"],
  ["C", "20"],
  ["d", "26"],
  ["D", "07/26/24"],
  ["e", "26"],
  ["f", "000000"],
  ["F", "2024-07-26"],
  ["g", "24"],
  ["G", "2024"],
  ["h", "Jul"],
  ["H", "00"],
  ["I", "12"],
  ["j", "208"],
  ["m", "07"],
  ["M", "00"],
  ["n", "\n"],
  ["p", "AM"],
  ["R", "00:00"],
  ["S", "00"],
  ["t", "\t"],
  ["T", "00:00:00"],
  ["u", "5"],
  ["U", "29"],
  ["V", "30"],
  ["w", "5"],
  ["W", "30"],
  ["x", "07/26/24"],
  ["X", "00:00:00"],
  ["y", "24"],
  ["Y", "2024"],
  ["z", ""],
  ["Z", ""],
  ["%", "%"],
]);

/** Python's strftime of the fixed date, with glibc's `%-d`. */
export function strftime(format: string): string {
  return format.replaceAll(/%(-?)(.|$)/gsu, (whole, bare: string, letter: string) => {
    const text = FIXED.get(letter);
    if (text === undefined) throw new NotRendered(`the date format ${whole}`);
    return bare === "" ? text : text.replace(/^0+(?=.)/, "");
  });
}
