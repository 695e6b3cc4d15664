/**
 * @file Macros and the bodies of call blocks: how arguments come to parameters.
 */
import type { Signature } from "./ast.ts";
import { TemplateError } from "./errors.ts";
import { evaluate } from "./evaluate.ts";
import { Scope } from "./scope.ts";
import { Callable, Dict, orElse, Tuple, Undefined, type Arguments, type Value } from "./values.ts";

export interface MacroParts {
  readonly name: string;
  readonly signature: Signature;
  /** Names that the body reads: `caller`, `kwargs` and `varargs` exist only where they are used. */
  readonly uses: ReadonlySet<string>;
  /** Where the macro was written. */
  readonly scope: Scope;
  readonly render: (scope: Scope) => string;
}

export function macro({ name, signature, uses, scope, render }: MacroParts): Callable {
  const { parameters, defaults } = signature;
  return new Callable(
    name,
    (args) => {
      const own = new Scope(scope, specials(name, parameters, uses, args));
      for (const [i, parameter] of parameters.entries()) {
        const value = i < args.positional.length ? args.positional[i] : args.named.get(parameter);
        const fallback = defaults[i - (parameters.length - defaults.length)];
        if (value !== undefined) own.set(parameter, value);
        else if (fallback !== undefined) own.set(parameter, evaluate(fallback, own));
        else own.set(parameter, new Undefined(`parameter '${parameter}' was not provided`));
      }
      return render(own);
    },
    "Macro",
  );
}

function specials(
  name: string,
  parameters: readonly string[],
  uses: ReadonlySet<string>,
  { positional, named }: Arguments,
): [string, Value][] {
  const out: [string, Value][] = [];
  const rest = new Map(named);
  for (const parameter of parameters.slice(positional.length)) rest.delete(parameter);
  if (uses.has("caller") && !parameters.includes("caller")) {
    out.push(["caller", orElse(rest.get("caller"), () => new Undefined("No caller defined"))]);
    rest.delete("caller");
  }
  const [unknown] = rest.keys();
  if (uses.has("kwargs")) out.push(["kwargs", new Dict(rest)]);
  else if (unknown !== undefined) throw new TemplateError(`macro '${name}' takes no keyword argument '${unknown}'`);
  if (uses.has("varargs")) out.push(["varargs", new Tuple(positional.slice(parameters.length))]);
  else if (positional.length > parameters.length)
    throw new TemplateError(`macro '${name}' takes not more than ${parameters.length} argument(s)`);
  return out;
}
