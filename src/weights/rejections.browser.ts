/**
 * @file Promises of a worker that fail and that nobody looks at. Browsers keep them to the worker; reported as errors
 * they reach the `error` event of whoever started it.
 */
export function reportRejections(): void {
  self.addEventListener("unhandledrejection", ({ reason }) => reportError(reason));
}
