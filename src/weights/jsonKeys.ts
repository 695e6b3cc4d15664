/**
 * @file Finds a name that occurs twice in one object of a JSON text. JSON.parse silently keeps the last one; where a
 * name stands for data, that must be an error.
 */

/**
 * The first duplicate name in any object of `text`, or null.
 * @param text JSON that JSON.parse has already accepted (the scan relies on it)
 */
export function duplicateKey(text: string): string | null {
  // One set of names per open object; null for an open array.
  const open: (Set<string> | null)[] = [];
  let i = 0;
  while (i < text.length) {
    const char = text[i];
    if (char === "{") open.push(new Set());
    else if (char === "[") open.push(null);
    else if (char === "}" || char === "]") open.pop();
    else if (char === '"') {
      const end = closingQuote(text, i);
      const names = open.at(-1);
      // In an object, a string followed by a colon is a name.
      if (names !== undefined && names !== null && followedByColon(text, end + 1)) {
        const name: unknown = JSON.parse(text.slice(i, end + 1));
        if (typeof name === "string") {
          if (names.has(name)) return name;
          names.add(name);
        }
      }
      i = end;
    }
    i += 1;
  }
  return null;
}

function closingQuote(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && text[i] !== '"') i += text[i] === "\\" ? 2 : 1;
  return i;
}

function followedByColon(text: string, start: number): boolean {
  let i = start;
  while (i < text.length && " \t\r\n".includes(text.charAt(i))) i += 1;
  return text[i] === ":";
}
