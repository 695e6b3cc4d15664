/** @file Parsers of command-line values; each complains in words. */

import { InvalidArgumentError } from "commander";

/** "1,2,3" -> [1, 2, 3]. */
export function tokenList(text: string): number[] {
  const parts = text.split(",").map((part) => part.trim());
  return parts.map((part) => {
    if (!/^\d+$/.test(part))
      throw new InvalidArgumentError(
        `${JSON.stringify(part)} is not a token id; write whole numbers separated by commas, such as 1,2,3.`,
      );
    return Number(part);
  });
}

export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least)
      throw new InvalidArgumentError(`Give a whole number of at least ${least}.`);
    return value;
  };
}

export function numberIn(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isFinite(value) || value < least || value > most)
      throw new InvalidArgumentError(`Give a number from ${least} to ${most}.`);
    return value;
  };
}

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
};

/** "5GB" as transformers reads it (decimal units, or KiB, MiB, GiB) -> bytes. */
export function byteSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(text.trim());
  const unit = UNITS[(match?.[2] ?? "?").toUpperCase()];
  const value = Number(match?.[1]) * (unit ?? Number.NaN);
  if (!(value >= 1)) throw new InvalidArgumentError("Give a size such as 5GB, 200MB or 64MiB.");
  return Math.floor(value);
}
