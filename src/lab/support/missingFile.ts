/** @file A script or style sheet of the site that could not be loaded when a part of the page needed it. */

/** As Chromium, Firefox and Safari say it, and Vite for style sheets. */
const MESSAGES =
  /dynamically imported module|importing a module script failed|module script failed|unable to preload css/i;

export function isMissingFile(error: unknown): error is Error {
  return error instanceof Error && MESSAGES.test(error.message);
}
