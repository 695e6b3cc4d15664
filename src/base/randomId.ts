/** @file A random name that no other tab, worker or visit has. */

/** 128 random bits in hexadecimal. Unlike `crypto.randomUUID` also without https, where the page says what to do. */
export function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(16).padStart(8, "0")).join("");
}
