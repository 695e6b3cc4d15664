/** @file The family of this browser, to show the matching hints. */

export type BrowserName = "chromium" | "firefox" | "safari" | "other";

export function detectBrowser(userAgent: string): BrowserName {
  // Every browser on iOS uses Safari's engine.
  if (/iPhone|iPad|iPod/.test(userAgent)) return "safari";
  if (/Firefox\//.test(userAgent)) return "firefox";
  if (/Chrom(e|ium)\/|Edg\//.test(userAgent)) return "chromium";
  if (/Safari\//.test(userAgent)) return "safari";
  return "other";
}
