/** @file Dataset files in a page: chosen in this tab, or at an address. */
import { BasinError } from "../../base/error.ts";
import { addressFile, dataFile } from "../../experiment/data/dataFile.ts";
import type { DataFile } from "../../text/data/table.ts";
import { fileListSource } from "../../weights/fileSource.browser.ts";

/** @throws BasinError when the file was not chosen in this tab and is no address */
export async function openPageData(
  path: string,
  chosen: ReadonlyMap<string, File>,
  signal?: AbortSignal,
): Promise<DataFile> {
  if (chosen.has(path)) return dataFile(fileListSource("this tab", chosen), path, signal);
  if (/^https?:\/\//i.test(path)) return addressFile(path, signal);
  throw new BasinError({
    what: `The file ${path} has not been chosen in this tab`,
    where: path,
    fix: "Choose it in Setup beside the field that names it, or give an address that begins with https://.",
  });
}
