/** @file The linker: what a text is made of; what does not fit together is an error that names file and name. */

import { describe, expect, it } from "vitest";
import { type LinkRequest, link } from "../../src/engine/wgsl/link.ts";

const GRID = `// Where an invocation stands.

struct Place { group: u32, local: u32 }

// The first of a workgroup's sixty-four.
fn first(at: Place) -> u32 { return at.group * SIZE; }

const SIZE: u32 = 64u;  // invocations of a workgroup

fn unused() -> u32 { return SIZE; }
`;

const MAIN = `// y = x + N.

import package::common::grid::{Place, first};
import host::Params;

@if(WIDE) enable subgroups;

// Added to each.
const N: u32 = 4u;
@if(WIDE) alias Lane = vec4f;
@else alias Lane = vec2f;

@group(0) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main() {
  let size = first(Place(1u, 2u)) + N; // a local name
  var lane = Lane(f32(size + params.count));
}
`;

const REQUEST: LinkRequest = {
  root: "main",
  texts: { main: MAIN, "common/grid": GRID },
  host: "struct Params { count: u32 }\nconst MARK: u32 = 7u;\n",
  conditions: { WIDE: false },
};

function linked(change: Partial<LinkRequest> = {}, main = MAIN, grid = GRID): string {
  return link({ ...REQUEST, texts: { main, "common/grid": grid }, ...change });
}

describe("a linked text", () => {
  it("holds the root and, of what it imports, what is reached", () => {
    expect(linked()).toBe(`// y = x + N.

// ---- common/grid.wgsl

struct Place { group: u32, local: u32 }

// The first of a workgroup's sixty-four.
fn first(at: Place) -> u32 { return at.group * SIZE; }

const SIZE: u32 = 64u;  // invocations of a workgroup

// ---- host

struct Params { count: u32 }

// ---- main.wgsl

// Added to each.
const N: u32 = 4u;
alias Lane = vec2f;

@group(0) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main() {
  let size = first(Place(1u, 2u)) + N; // a local name
  var lane = Lane(f32(size + params.count));
}
`);
  });

  it("follows its conditions, directives first", () => {
    const text = linked({ conditions: { WIDE: true } });
    expect(text).toContain("alias Lane = vec4f;");
    expect(text).not.toContain("vec2f");
    expect(text).not.toContain("@if");
    expect(text.indexOf("enable subgroups;")).toBeLessThan(text.indexOf("struct Place"));
  });

  it("takes constants by name, in whichever module they are", () => {
    const text = linked({ constants: { N: 7, SIZE: 32 } });
    expect(text).toContain("const N: u32 = 7u;");
    expect(text).toContain("const SIZE: u32 = 32u;  // invocations of a workgroup");
  });

  it("writes a constant in its own type", () => {
    const typed = (type: string, value: number | boolean): string =>
      linked({ constants: { N: value } }, MAIN.replace("const N: u32 = 4u;", `const N: ${type} = ${type}();`));
    expect(typed("bool", true)).toContain("const N: bool = true;");
    expect(typed("i32", -3)).toContain("const N: i32 = -3i;");
    expect(typed("f32", 0.5)).toContain("const N: f32 = f32(0.5);");
    expect(() => typed("u32", -1)).toThrow("shaders/main.wgsl: the constant N of type u32 cannot be -1");
    expect(() => typed("u32", true)).toThrow("cannot be true");
    expect(() => typed("bool", 1)).toThrow("cannot be 1");
  });

  it("is the same whatever else there is to import", () => {
    expect(linked({ texts: { ...REQUEST.texts, other: "this is no WGSL" } })).toBe(linked());
  });
});

describe("the linker refuses", () => {
  const refusals: readonly (readonly [string, () => string, string])[] = [
    ["an unknown root", () => linked({ root: "mian" }), "no shaders/mian.wgsl"],
    [
      "an unknown module",
      () => linked({}, MAIN.replace("common::grid", "common::gird")),
      "shaders/main.wgsl imports from shaders/common/gird.wgsl, which is not there",
    ],
    [
      "an unknown name",
      () => linked({}, MAIN, GRID.replaceAll("first", "begin")),
      "shaders/main.wgsl imports first, which shaders/common/grid.wgsl does not declare",
    ],
    [
      "a name of the host that is not there",
      () => linked({ host: "struct Parameters { count: u32 }" }),
      "shaders/main.wgsl imports Params, which host does not declare",
    ],
    [
      "a name that a condition leaves out",
      () => linked({}, MAIN, GRID.replace("fn first", "@if(WIDE) fn first")),
      "imports first, which shaders/common/grid.wgsl does not declare",
    ],
    [
      "a constant that nobody declares",
      () => linked({ constants: { M: 1 } }),
      "shaders/main.wgsl and what it imports declare no constant M",
    ],
    [
      "a constant that a module declares and the text is without",
      () => linked({ constants: { SIZE: 1 } }, MAIN.replace("first(Place(1u, 2u))", "1u")),
      "declare no constant SIZE",
    ],
    [
      "a constant that nothing reads",
      () => linked({ constants: { N: 1 } }, MAIN.replace(" + N;", ";")),
      "shaders/main.wgsl: nothing reads the constant N",
    ],
    ["what is declared and no constant", () => linked({ constants: { Lane: 1 } }), "declare no constant Lane"],
    [
      "a condition that is not given",
      () => linked({ conditions: {} }),
      "shaders/main.wgsl asks for the condition WIDE, which is not given",
    ],
    [
      "a condition that nothing asks for",
      () => linked({ conditions: { WIDE: true, WIDER: true } }),
      "shaders/main.wgsl: nothing asks for the condition WIDER",
    ],
    [
      "two modules that declare a name",
      () => linked({}, `${MAIN}\nconst SIZE: u32 = 1u;\nconst M: u32 = SIZE;\n`),
      "shaders/common/grid.wgsl and shaders/main.wgsl both declare SIZE",
    ],
    [
      "an imported name that is declared, too",
      () => linked({}, `${MAIN}\nfn first() {}\n`),
      "shaders/main.wgsl has two meanings of first",
    ],
    ["a name declared twice", () => linked({}, `${MAIN}\nfn main() {}\n`), "shaders/main.wgsl declares main twice"],
    [
      "another module's name without an import",
      () => linked({}, MAIN.replace(" + N;", " + SIZE + N;")),
      "shaders/main.wgsl uses SIZE of shaders/common/grid.wgsl without importing it",
    ],
    [
      "modules that import each other",
      () => linked({}, MAIN, `// Grid.\nimport package::main::N;\n${GRID}`),
      "shaders/main.wgsl imports itself, through shaders/common/grid.wgsl",
    ],
    [
      "an import of another form",
      () => linked({}, MAIN.replace("import package::common::grid::{Place, first};", "import grid;")),
      "shaders/main.wgsl:3: an import is package::",
    ],
    [
      "a condition of another form",
      () => linked({}, MAIN.replace("@if(WIDE) alias", "@if(WIDE && TALL) alias")),
      "shaders/main.wgsl:10: a condition is @if(NAME), @if(!NAME) or @else",
    ],
    [
      "an else without its if",
      () => linked({}, MAIN.replace("@if(WIDE) alias", "alias")),
      "shaders/main.wgsl:11: @else follows a declaration with @if",
    ],
    [
      "a condition inside a declaration",
      () => linked({}, MAIN.replace("let size", "@if(WIDE) let size")),
      "shaders/main.wgsl:17: a condition stands on a whole declaration only",
    ],
    [
      "a path outside of an import",
      () => linked({}, MAIN.replace("first(Place", "package::common::grid::first(Place")),
      "shaders/main.wgsl:17: a path stands in an import only",
    ],
    ["a bracket that nothing opened", () => linked({}, MAIN.replace("+ N;", "+ N);")), "closes nothing"],
    ["a declaration that does not end", () => linked({}, `${MAIN}\nfn more() {`), "the file ends in the middle"],
  ];
  it.each(refusals)("%s", (_, attempt, message) => expect(attempt).toThrow(message));
});
