/**
 * @file Bindings as a text declares them, so that a call site names them (`bindings: { x, w, y }`) and can never
 * disagree with the shader about order or access: a read-only declaration bound as writable computes silently wrong
 * numbers on some drivers.
 */

export interface BindingInfo {
  readonly name: string;
  readonly binding: number;
  readonly access: "uniform" | "read" | "read_write";
}

/** Remove comments so that prose never looks like a declaration. */
function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/[^\n]*/g, "");
}

/** The bindings that an entry point uses, itself or through the functions it calls. */
export function reflectBindings(source: string, entry: string): BindingInfo[] {
  const text = withoutComments(source);
  const declared: BindingInfo[] = [];
  const pattern =
    /@group\(0\)\s*@binding\((\d+)\)\s*var<\s*(uniform|storage)\s*(?:,\s*(read_write|read)\s*)?>\s*(\w+)/g;
  for (const match of text.matchAll(pattern)) {
    const access = match[2] === "uniform" ? "uniform" : match[3] === "read_write" ? "read_write" : "read";
    declared.push({ name: match[4] ?? "", binding: Number(match[1]), access });
  }
  // A declaration between two functions is part of neither.
  const reachable = reachableCode(text.replace(pattern, ""), entry);
  // A binding `y` is not the `.y` of a vector.
  return declared.filter(({ name }) => new RegExp(`(?<![.\\w])${name}\\b`).test(reachable));
}

/** The text of an entry point and of the functions that it calls. */
function reachableCode(code: string, entry: string): string {
  const bodies = new Map<string, string>();
  const starts = [...code.matchAll(/\bfn\s+(\w+)\s*\(/g)];
  starts.forEach((match, index) => {
    bodies.set(match[1] ?? "", code.slice(match.index, starts[index + 1]?.index ?? code.length));
  });
  let reachable = bodies.get(entry);
  if (reachable === undefined) throw new Error(`no entry point ${entry}`);
  const reached = new Set([entry]);
  for (let grew = true; grew; ) {
    grew = false;
    for (const [name, other] of bodies) {
      if (!reached.has(name) && new RegExp(`\\b${name}\\s*\\(`).test(reachable)) {
        reached.add(name);
        reachable += other;
        grew = true;
      }
    }
  }
  return reachable;
}
