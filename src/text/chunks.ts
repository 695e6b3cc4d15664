/**
 * @file A response in chunks of so many words, as STAR-DSS scores them (arXiv 2505.17196). Words are what Python's
 * `str.split()` makes of a text. A chunk ends with its last word; blanks belong to what follows them, those behind the
 * last word to the last chunk.
 *
 *     "Take two roots and grind them well. "    words of five       |Take two roots and grind| them well. |
 */

/** White space for Python's str.split(): Unicode's, and four separators of ASCII. */
const BLANK = new Set(
  [9, 10, 11, 12, 13, 28, 29, 30, 31, 32, 0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000].concat(
    Array.from({ length: 11 }, (_, i) => 0x2000 + i),
  ),
);

/**
 * Where each chunk ends, in UTF-16 units; the last at the end of the text. One for a text without words.
 * @param words of a chunk, from 1
 */
export function chunkEnds(text: string, words: number): number[] {
  const ends: number[] = [];
  let inChunk = 0;
  let wordEnd = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (BLANK.has(text.charCodeAt(at))) continue;
    const begins = at === 0 || BLANK.has(text.charCodeAt(at - 1));
    if (begins && inChunk === words) {
      ends.push(wordEnd);
      inChunk = 0;
    }
    if (begins) inChunk += 1;
    wordEnd = at + 1;
  }
  return [...ends, text.length];
}
