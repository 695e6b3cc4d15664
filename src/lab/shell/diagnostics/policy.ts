/**
 * @file The page's Content-Security-Policy and the other headers of a host: one source for the meta tag of the built page,
 * the `_headers` file beside it, the preview server, the service worker and the docs.
 *
 *     script-src 'self' 'wasm-unsafe-eval'   own files only, nothing inline; onnxruntime compiles WebAssembly
 *     worker-src 'self'                      no worker out of a string (blob:)
 *     style-src 'self'                       no <style> and no style attribute in HTML. Widths and colours that change are set
 *                                            through the DOM (element.style), which the policy does not concern; Mantine's
 *                                            variables come as a constructed sheet (app/styles.ts)
 *     connect-src 'self' https: localhost    models and data come from the sources that the user names: the hub, its mirrors, any
 *                                            https address, a server of this computer. No list of hosts can be known beforehand
 *     img-src 'self' data: blob:             small pictures within style sheets; pictures that the page has drawn itself
 *     default-src 'none', the rest           nothing else: no frame, no plug-in, no form, no <base>
 */

const POLICY: readonly (readonly [directive: string, ...sources: string[]])[] = [
  ["default-src", "'none'"],
  ["script-src", "'self'", "'wasm-unsafe-eval'"],
  ["worker-src", "'self'"],
  ["style-src", "'self'"],
  ["img-src", "'self'", "data:", "blob:"],
  ["font-src", "'self'"],
  ["manifest-src", "'self'"],
  ["connect-src", "'self'", "https:", "http://localhost:*", "http://127.0.0.1:*"],
  ["object-src", "'none'"],
  ["base-uri", "'none'"],
  ["form-action", "'none'"],
];

/** For a `<meta http-equiv="Content-Security-Policy">`: without what counts in a header only. */
export const PAGE_POLICY = POLICY.map((parts) => parts.join(" ")).join("; ");

/** For the header. */
export const HEADER_POLICY = `${PAGE_POLICY}; frame-ancestors 'none'`;

/** What a host should send with every file. */
export const SITE_HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy": HEADER_POLICY,
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  // No page that opened this one, or was opened by it, keeps a handle on it. Cross-Origin-Embedder-Policy would add shared memory, which
  // nothing here uses: onnxruntime runs in one thread, so that sums are always added in the same order.
  "Cross-Origin-Opener-Policy": "same-origin",
  "Permissions-Policy":
    "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), hid=(), midi=(), display-capture=(), browsing-topics=()",
};

/** Files whose name tells their content may be kept for ever; the others are asked for each time. */
export const CACHE_RULES: readonly { readonly path: string; readonly value: string }[] = [
  { path: "/assets/*", value: "public, max-age=31536000, immutable" },
  { path: "/index.html", value: "no-cache" },
  { path: "/sw.js", value: "no-cache" },
];

/** `_headers`, as Netlify and Cloudflare Pages read it. */
export function headersFile(): string {
  const all = Object.entries(SITE_HEADERS).map(([name, value]) => `  ${name}: ${value}`);
  return ["/*", ...all, ...CACHE_RULES.flatMap(({ path, value }) => [path, `  Cache-Control: ${value}`]), ""].join(
    "\n",
  );
}
