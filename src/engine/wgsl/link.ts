/**
 * @file The linker: a shader and what it imports become one text of plain WGSL.
 *
 *     root module ─▶ its declarations, all of them
 *                 ─▶ of imported modules the declarations that are reached, and what those reach in turn
 *                 ─▶ constants with the values of this variant
 *
 * Names are not mangled, so that the text reads as its author wrote it; two modules that would give it the same name
 * are an error. So is everything else that could quietly come out as another program: an unknown module, name, constant
 * or condition, one that is given and changes nothing, a name that is used and not imported.
 */

import { type Condition, type Item, type Module, type Span, parseModule } from "./module.ts";

/** Texts by path under shaders/, without extension. */
export type ShaderTexts = Readonly<Record<string, string>>;

export type Constants = Readonly<Record<string, number | boolean>>;

export interface LinkRequest {
  /** Path of the module whose declarations are all part of the text. */
  readonly root: string;
  readonly texts: ShaderTexts;
  /** The module `host`: what TypeScript declares for this shader. */
  readonly host?: string;
  /** Every condition that the modules ask for, and no other. */
  readonly conditions?: Readonly<Record<string, boolean>>;
  /** Values of module constants, by name. */
  readonly constants?: Constants;
}

/** @throws Error, naming file and identifier, on whatever does not fit together. */
export function link(request: LinkRequest): string {
  return new Linker(request).link();
}

/** A module with the declarations that its conditions leave. */
interface Scope {
  readonly module: Module;
  readonly items: readonly Item[];
  readonly declared: ReadonlyMap<string, Item>;
  /** By imported name: the module it comes from. */
  readonly imported: ReadonlyMap<string, string>;
}

const parsed = new Map<string, Module>();

/** Each text is parsed once, however many variants are made of it. */
function moduleOf(path: string, text: string): Module {
  const known = parsed.get(path);
  if (known?.text === text) return known;
  const module = parseModule(path, text);
  parsed.set(path, module);
  return module;
}

class Linker {
  readonly #request: LinkRequest;
  /** In the order in which they are complete: what a module imports comes before it. */
  readonly #scopes = new Map<string, Scope>();
  readonly #loading = new Set<string>();
  readonly #reached = new Set<Item>();
  /** By name in the linked text: the module that declares it. */
  readonly #owners = new Map<string, string>();
  readonly #usedConditions = new Set<string>();

  constructor(request: LinkRequest) {
    this.#request = request;
  }

  link(): string {
    const root = this.#load(this.#request.root, undefined);
    for (const item of root.items) this.#reach(root, item);
    this.#checkNames();
    this.#checkGiven();
    return this.#text(root);
  }

  #load(path: string, from: string | undefined): Scope {
    const known = this.#scopes.get(path);
    if (known) return known;
    const text = path === "host" ? this.#request.host : this.#request.texts[path];
    if (text === undefined)
      throw new Error(
        from === undefined ? `no shaders/${path}.wgsl` : `${file(from)} imports from ${file(path)}, which is not there`,
      );
    if (this.#loading.has(path)) throw new Error(`${file(path)} imports itself, through ${file(from ?? path)}`);
    this.#loading.add(path);
    const module = moduleOf(path, text);
    const items = module.items.filter(({ condition }) => !condition || this.#holds(path, condition));
    const scope = { module, items, declared: declaredIn(path, items), imported: this.#importsOf(path, items) };
    this.#scopes.set(path, scope);
    return scope;
  }

  #holds(path: string, { name, when }: Condition): boolean {
    const value = this.#request.conditions?.[name];
    if (value === undefined) throw new Error(`${file(path)} asks for the condition ${name}, which is not given`);
    this.#usedConditions.add(name);
    return value === when;
  }

  #importsOf(path: string, items: readonly Item[]): Map<string, string> {
    const imported = new Map<string, string>();
    for (const { module, name } of items.flatMap(({ imports }) => imports)) {
      if (!this.#load(module, path).declared.has(name))
        throw new Error(`${file(path)} imports ${name}, which ${file(module)} does not declare`);
      if (imported.has(name) || items.some((item) => item.name === name))
        throw new Error(`${file(path)} has two meanings of ${name}`);
      imported.set(name, module);
    }
    return imported;
  }

  /** Adds a declaration and, in turn, all that it refers to. */
  #reach(scope: Scope, item: Item): void {
    if (this.#reached.has(item) || item.kind === "import") return;
    this.#reached.add(item);
    const { path } = scope.module;
    if (item.name !== "") {
      const owner = this.#owners.get(item.name);
      if (owner !== undefined) throw new Error(`${file(owner)} and ${file(path)} both declare ${item.name}`);
      this.#owners.set(item.name, path);
    }
    for (const name of item.references) {
      const own = scope.declared.get(name);
      if (own) this.#reach(scope, own);
      const other = this.#scopes.get(scope.imported.get(name) ?? "");
      const foreign = other?.declared.get(name);
      if (other && foreign) this.#reach(other, foreign);
    }
  }

  /** What a module does not import it must not get from its neighbour in the text by accident. */
  #checkNames(): void {
    for (const { module, items, declared, imported } of this.#scopes.values()) {
      for (const item of items.filter((one) => this.#reached.has(one))) {
        for (const name of item.references) {
          const owner = this.#owners.get(name);
          const mine = declared.has(name) || imported.has(name) || item.locals.has(name);
          if (owner !== undefined && !mine)
            throw new Error(`${file(module.path)} uses ${name} of ${file(owner)} without importing it`);
        }
      }
    }
  }

  #checkGiven(): void {
    const { root, conditions = {}, constants = {} } = this.#request;
    for (const name of Object.keys(conditions)) {
      if (!this.#usedConditions.has(name)) throw new Error(`${file(root)}: nothing asks for the condition ${name}`);
    }
    const reached = [...this.#reached];
    for (const name of Object.keys(constants)) {
      const constant = reached.find((item) => item.kind === "const" && item.name === name);
      if (!constant) throw new Error(`${file(root)} and what it imports declare no constant ${name}`);
      if (!reached.some((item) => item !== constant && item.references.has(name)))
        throw new Error(`${file(root)}: nothing reads the constant ${name}`);
    }
  }

  #text(root: Scope): string {
    const [first] = root.module.items;
    const header = root.module.text.slice(0, first?.span.start ?? 0);
    const others = [...this.#scopes.values()].filter((scope) => scope !== root);
    const directives = [...this.#scopes.values()].flatMap((scope) =>
      scope.items.filter(({ kind }) => kind === "directive").map((item) => this.#itemText(scope, item).trim()),
    );
    const parts = [
      header,
      [...new Set(directives)].join("\n"),
      ...others.map((scope) => this.#part(scope)),
      `// ---- ${root.module.path}.wgsl`,
      this.#declarations(root),
    ];
    return `${parts
      .map((part) => part.trim())
      .filter(Boolean)
      .join("\n\n")}\n`;
  }

  #part(scope: Scope): string {
    const text = this.#declarations(scope);
    return text === "" ? "" : `// ---- ${scope.module.path}${scope.module.path === "host" ? "" : ".wgsl"}\n\n${text}`;
  }

  /** The reached declarations of a module, with the gaps between them as they are. */
  #declarations(scope: Scope): string {
    let text = "";
    scope.module.items.forEach((item, index) => {
      const gap = scope.module.text.slice(scope.module.items[index - 1]?.span.end ?? item.span.start, item.span.start);
      if (this.#reached.has(item) && item.kind !== "directive") text += `${gap}${this.#itemText(scope, item)}`;
      else if (/\n\s*\n/.test(gap)) text += "\n\n";
    });
    return text.replaceAll(/\n\s*\n(\s*\n)+/g, "\n\n").trim();
  }

  /** An item without its condition, a constant with its value. */
  #itemText({ module }: Scope, item: Item): string {
    const { span, conditionSpan, initialiser, name } = item;
    const edits: (Span & { readonly text: string })[] = [];
    if (conditionSpan) {
      const space = /^\s*/.exec(module.text.slice(conditionSpan.end))?.[0].length ?? 0;
      edits.push({ start: conditionSpan.start, end: conditionSpan.end + space, text: "" });
    }
    const value = this.#request.constants?.[name];
    if (value !== undefined && initialiser) {
      const text = ` ${literal(value, initialiser.type, `${file(module.path)}: the constant ${name}`)}`;
      edits.push({ start: initialiser.start, end: initialiser.end, text });
    }
    let text = "";
    let at = span.start;
    for (const edit of edits) {
      text += module.text.slice(at, edit.start) + edit.text;
      at = edit.end;
    }
    return text + module.text.slice(at, span.end);
  }
}

function declaredIn(path: string, items: readonly Item[]): Map<string, Item> {
  const declared = new Map<string, Item>();
  for (const item of items) {
    if (item.name === "") continue;
    if (declared.has(item.name)) throw new Error(`${file(path)} declares ${item.name} twice`);
    declared.set(item.name, item);
  }
  return declared;
}

function file(path: string): string {
  return path === "host" ? "host" : `shaders/${path}.wgsl`;
}

function literal(value: number | boolean, type: string | undefined, what: string): string {
  if (type === "bool" && typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    if (type === "u32" && Number.isInteger(value) && value >= 0) return `${value}u`;
    if (type === "i32" && Number.isInteger(value)) return `${value}i`;
    if (type === "f32" && Number.isFinite(value)) return `f32(${value})`;
  }
  throw new Error(`${what} of type ${type ?? "unknown"} cannot be ${value}`);
}
