/** @file Parsers of command-line values; each complains in words. */

import { InvalidArgumentError } from "commander";

/** "1,2,3" -> [1, 2, 3]. */
export function tokenList(text: string): number[] {
  const parts = text.split(",").map((part) => part.trim());
  return parts.map((part) => {
    if (!/^\d+$/.test(part)) throw new InvalidArgumentError(`${JSON.stringify(part)} is not a token id; write whole numbers separated by commas, such as 1,2,3.`);
    return Number(part);
  });
}

export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) throw new InvalidArgumentError(`Give a whole number of at least ${least}.`);
    return value;
  };
}

export function numberIn(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isFinite(value) || value < least || value > most) throw new InvalidArgumentError(`Give a number from ${least} to ${most}.`);
    return value;
  };
}
