/**
 * @file The page's Content-Security-Policy and the other headers of a host: one source for the meta tag of the built
 * page, the `_headers` file, the preview server, the service worker and the docs.
 *
 *     script-src 'self' 'wasm-unsafe-eval'   own files only, nothing inline; onnxruntime compiles WebAssembly
 *     worker-src 'self'                      no workers from strings (blob:)
 *     style-src 'self'                       no <style> and no style attribute in HTML. Scripts set dynamic widths and
 *                                            colours (element.style), which the policy allows; Mantine's variables are
 *                                            a constructed style sheet (app/styles.ts)
 *     connect-src 'self' https: localhost    models and data come from where the user chooses: the Hub, its mirrors,
 *                                            any https URL, a local server. The hosts are not known in advance
 *     img-src 'self' data: blob:             images in style sheets, and images that the page has drawn
 *     default-src 'none', the rest           no frames, plug-ins, forms or <base>
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

/** For `<meta http-equiv="Content-Security-Policy">`: without directives that only work in a header. */
export const PAGE_POLICY = POLICY.map((parts) => parts.join(" ")).join("; ");

/** For the HTTP header. */
export const HEADER_POLICY = `${PAGE_POLICY}; frame-ancestors 'none'`;

/** What a host should send with every file. */
export const SITE_HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy": HEADER_POLICY,
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  // Pages that opened this one, or that it opens, get no reference to it. Cross-Origin-Embedder-Policy would only add
  // shared memory, which is not needed: onnxruntime runs in one thread, so that sums have a fixed order.
  "Cross-Origin-Opener-Policy": "same-origin",
  "Permissions-Policy":
    "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), hid=(), midi=(), " +
    "display-capture=(), browsing-topics=()",
};

/** Files with a content hash in their name can be cached forever; the others are revalidated. */
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
