/**
 * @file Memory that is given back at once.
 *
 * Buffers of megabytes that come and go by the hundreds are no hurry for a garbage collector: over 100 MB of them pile
 * up before it thinks them worth a collection.
 */

/**
 * Frees a buffer that nobody will look at again (it is empty afterwards). Where the engine has no `transfer` (before
 * 2024, Node 20), the collector does it in its own time.
 */
export function freeBuffer(buffer: ArrayBufferLike & { readonly transfer?: (length: number) => ArrayBuffer }): void {
  buffer.transfer?.(0);
}
