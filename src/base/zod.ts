/**
 * @file zod, as this project uses it: without compiled parsers. Compiling needs `new Function`, which the page's
 * Content-Security-Policy forbids; browsers report each attempt, even one that is caught.
 */
import { z } from "zod";

z.config({ jitless: true });

export { z };
