/** @file Which family of browsers this is: only to show the hint that fits. */

export type BrowserName = "chromium" | "firefox" | "safari" | "other";

export function detectBrowser(userAgent: string): BrowserName {
  // Every browser on iOS is Safari inside.
  if (/iPhone|iPad|iPod/.test(userAgent)) return "safari";
  if (/Firefox\//.test(userAgent)) return "firefox";
  if (/Chrom(e|ium)\/|Edg\//.test(userAgent)) return "chromium";
  if (/Safari\//.test(userAgent)) return "safari";
  return "other";
}
