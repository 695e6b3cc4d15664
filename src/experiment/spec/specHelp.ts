/**
 * @file The spec's fields as a flat list, derived from the schema, for forms, docs and error messages. A field that
 * exists only for one choice (a method's parameter, a file's format) says so in `when`.
 */
import { z } from "../../base/zod.ts";
import type { FieldDisplay } from "./specFields.ts";
import { specSchema } from "./specSchema.ts";

export interface FieldHelp extends FieldDisplay {
  /** Such as "train.learning_rate". Two methods may have a field with the same path; `when` distinguishes them. */
  readonly path: string;
  readonly title: string;
  readonly help: string;
  readonly kind: "number" | "integer" | "text" | "boolean" | "choice" | "group" | "other";
  /** null is a valid value. */
  readonly nullable: boolean;
  /** For kind "choice". */
  readonly options?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  /** The limit itself is not a valid value. */
  readonly exclusiveMinimum?: boolean;
  readonly exclusiveMaximum?: boolean;
  readonly default?: unknown;
  /** The field exists only if the field at `path` has one of these values (null: not set). */
  readonly when?: { readonly path: string; readonly equals: readonly (string | null)[] };
}

/** The subset of JSON Schema that `z.toJSONSchema` produces for the spec. */
interface Node extends FieldDisplay {
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
}

/** JSON Schema of the document that users write, for editors. */
export const specJsonSchema = z.toJSONSchema(specSchema, { io: "input" });

/** Fields that several options share with identical texts are listed once. */
export const fieldHelp: readonly FieldHelp[] = [
  ...new Map(flatten("", specJsonSchema as Node).map((help) => [JSON.stringify(help), help])).values(),
];

/** Help for the field at `path`; `spec` selects the variant for its method or data source. */
export function helpFor(path: string, spec?: unknown): FieldHelp | undefined {
  const found = fieldHelp.filter((help) => help.path === path);
  return found.find(({ when }) => when === undefined || when.equals.includes(tagOf(spec, when.path))) ?? found[0];
}

function tagOf(spec: unknown, path: string): string | null {
  const value = path
    .split(".")
    .reduce<unknown>(
      (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
      spec,
    );
  return typeof value === "string" ? value : null;
}

function flatten(path: string, node: Node, when?: FieldHelp["when"]): FieldHelp[] {
  const choices = node.anyOf?.filter(({ type }) => type !== "null") ?? [];
  const nullable = node.anyOf?.some(({ type }) => type === "null") ?? false;
  const [only] = choices;
  const inner: Node = choices.length === 1 && only !== undefined ? { ...only, ...withoutUnion(node) } : node;
  const own = path === "" ? [] : [describe(path, inner, nullable, when)];
  const fields = Object.entries(inner.properties ?? {}).flatMap(([key, child]) =>
    flatten(join(path, key), child, when),
  );
  return [...own, ...fields, ...options(path, inner, when)];
}

/** The fields of a discriminated union: the tag once, as a choice, then the fields of each option. */
function options(path: string, node: Node, outer: FieldHelp["when"]): FieldHelp[] {
  const union = node.oneOf ?? [];
  if (union.length === 0) return [];
  const tag = Object.entries(union[0]?.properties ?? {}).find(([, child]) => child.const !== undefined)?.[0] ?? "";
  const tagPath = join(path, tag);
  const names = union.map((option) => String(option.properties?.[tag]?.const));
  const choice: FieldHelp = {
    path: tagPath,
    title: node.title ?? tag,
    help: node.description ?? `One of ${names.join(", ")}.`,
    kind: "choice",
    nullable: false,
    options: names,
    ...(node.labels ? { labels: node.labels } : {}),
    ...(outer ? { when: outer } : {}),
  };
  return [
    choice,
    ...union.flatMap((option, i) => {
      const equals = [names[i] ?? "", ...(option.required?.includes(tag) ? [] : [null])];
      return Object.entries(option.properties ?? {}).flatMap(([key, child]) =>
        key === tag ? [] : flatten(join(path, key), child, { path: tagPath, equals }),
      );
    }),
  ];
}

function describe(path: string, node: Node, nullable: boolean, when: FieldHelp["when"]): FieldHelp {
  const minimum = limit(node.exclusiveMinimum ?? node.minimum);
  const maximum = limit(node.exclusiveMaximum ?? node.maximum);
  return {
    path,
    title: node.title ?? path.slice(path.lastIndexOf(".") + 1),
    help: node.description ?? "",
    kind: kindOf(node),
    nullable,
    ...given({
      options: node.enum,
      minimum,
      maximum,
      exclusiveMinimum: node.exclusiveMinimum === undefined ? undefined : true,
      exclusiveMaximum: node.exclusiveMaximum === undefined ? undefined : true,
      default: node.const ?? node.default,
      unit: node.unit,
      scale: node.scale,
      labels: node.labels,
      control: node.control,
      rows: node.rows,
      example: node.example,
      when,
    }),
  };
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the properties that are undefined. */
function given<T extends object>(properties: T): Given<T> {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined)) as Given<T>;
}

function kindOf(node: Node): FieldHelp["kind"] {
  if (node.properties ?? node.oneOf) return "group";
  if (node.enum) return "choice";
  switch (node.type) {
    case "number":
    case "integer":
    case "boolean":
      return node.type;
    case "string":
      return "text";
    default:
      return "other";
  }
}

/** Without the bounds of safe integers that JSON Schema adds to every integer. */
function limit(value: number | undefined): number | undefined {
  return value === undefined || Math.abs(value) >= Number.MAX_SAFE_INTEGER ? undefined : value;
}

function withoutUnion({ anyOf: _union, ...rest }: Node): Node {
  return rest;
}

function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}
