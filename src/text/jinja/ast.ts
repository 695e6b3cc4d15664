/**
 * @file The parts of a parsed template: statements and expressions, as in Jinja2's own syntax tree.
 */
import type { Value } from "./values.ts";

export interface CallArguments {
  readonly positional: readonly Expression[];
  readonly named: readonly (readonly [name: string, value: Expression])[];
  /** `*values` */
  readonly star: Expression | null;
  /** `**values` */
  readonly doubleStar: Expression | null;
}

export type BinaryOperator = "+" | "-" | "*" | "/" | "//" | "%" | "**";
export type Comparison = "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not in";

export type Expression =
  | { readonly type: "const"; readonly value: Value }
  | { readonly type: "name"; readonly name: string }
  | { readonly type: "list"; readonly items: readonly Expression[] }
  | { readonly type: "tuple"; readonly items: readonly Expression[] }
  | { readonly type: "dict"; readonly pairs: readonly (readonly [Expression, Expression])[] }
  | {
      readonly type: "condition";
      readonly test: Expression;
      readonly then: Expression;
      readonly otherwise: Expression | null;
    }
  | { readonly type: "or" | "and"; readonly left: Expression; readonly right: Expression }
  | { readonly type: "not"; readonly of: Expression }
  | {
      readonly type: "compare";
      readonly first: Expression;
      readonly rest: readonly (readonly [Comparison, Expression])[];
    }
  | {
      readonly type: "binary";
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly type: "concat"; readonly items: readonly Expression[] }
  | { readonly type: "sign"; readonly operator: "+" | "-"; readonly of: Expression }
  | { readonly type: "attribute"; readonly of: Expression; readonly name: string }
  | { readonly type: "item"; readonly of: Expression; readonly index: Expression }
  | {
      readonly type: "slice";
      readonly start: Expression | null;
      readonly stop: Expression | null;
      readonly step: Expression | null;
    }
  | { readonly type: "call"; readonly callee: Expression; readonly args: CallArguments }
  | { readonly type: "filter"; readonly of: Expression; readonly name: string; readonly args: CallArguments }
  | { readonly type: "test"; readonly of: Expression; readonly name: string; readonly args: CallArguments };

export type Target =
  | { readonly type: "name"; readonly name: string }
  | { readonly type: "namespace"; readonly name: string; readonly attribute: string }
  | { readonly type: "tuple"; readonly items: readonly Target[] };

/** A filter of `{% filter … %}` or `{% set x | … %}`, whose input is what the block renders. */
export interface BlockFilter {
  readonly name: string;
  readonly args: CallArguments;
}

/** The parameters of a macro or call block. */
export interface Signature {
  readonly parameters: readonly string[];
  /** Of the last parameters. */
  readonly defaults: readonly Expression[];
}

export type Body = readonly Statement[];

export type Statement =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "output"; readonly values: readonly Expression[] }
  | { readonly type: "set"; readonly target: Target; readonly value: Expression }
  | {
      readonly type: "setBlock";
      readonly target: Target;
      readonly filters: readonly BlockFilter[];
      readonly body: Body;
    }
  | {
      readonly type: "for";
      readonly target: Target;
      readonly iterable: Expression;
      readonly test: Expression | null;
      readonly recursive: boolean;
      readonly body: Body;
      readonly otherwise: Body;
    }
  | {
      readonly type: "if";
      readonly branches: readonly (readonly [Expression, Body])[];
      readonly otherwise: Body;
    }
  | { readonly type: "with"; readonly values: readonly (readonly [Target, Expression])[]; readonly body: Body }
  | {
      readonly type: "macro";
      readonly name: string;
      readonly signature: Signature;
      readonly uses: ReadonlySet<string>;
      readonly body: Body;
    }
  | {
      readonly type: "callBlock";
      readonly signature: Signature;
      readonly uses: ReadonlySet<string>;
      readonly call: Extract<Expression, { type: "call" }>;
      readonly body: Body;
    }
  | { readonly type: "filterBlock"; readonly filters: readonly BlockFilter[]; readonly body: Body }
  /** `{% generation %}` of transformers: what the model itself has to say. Its body has a scope of its own. */
  | { readonly type: "generation"; readonly body: Body }
  | { readonly type: "break" | "continue" };
