/**
 * @file Lint rule: a function takes at most so many named parameters.
 *
 * More than eight fields in one parameter object say that the function does too much, or that some of the fields belong
 * together and deserve a type of their own. Counted are
 *
 * - the fields that a parameter destructures, and those of a type literal that annotates it;
 * - the fields of an interface or type that exists to be a parameter: its name says so (`…Options`, `…Props`), or it is
 *   private to its file and only ever annotates parameters.
 *
 * Records that are data (a spec, a report, a row) are no parameter objects, whoever takes them.
 */

const NAMES = /(Options|Parameters|Params|Arguments|Inputs|Dependencies|Deps|Props)$/;

/** The type literals that make up a type: itself, behind Readonly<…>, or the parts of an intersection. */
function literals(type) {
  if (type.type === "TSTypeLiteral") return [type];
  if (type.type === "TSIntersectionType") return type.types.flatMap(literals);
  if (type.type === "TSTypeReference" && type.typeName.name === "Readonly")
    return type.typeArguments.params.flatMap(literals);
  return [];
}

/** Fields of a type literal or of an interface's body. */
function fields(members) {
  return members.filter(({ type }) => type === "TSPropertySignature" || type === "TSMethodSignature").length;
}

function fieldsOf(type) {
  return literals(type).reduce((sum, { members }) => sum + fields(members), 0);
}

/** A parameter without its default value or its `private readonly`. */
function bare(parameter) {
  if (parameter.type === "AssignmentPattern") return parameter.left;
  return parameter.type === "TSParameterProperty" ? bare(parameter.parameter) : parameter;
}

/** Whether a reference to a type annotates a parameter of a function. */
function annotatesParameter({ identifier }) {
  const annotation = identifier.parent?.parent;
  const parameter = annotation?.type === "TSTypeAnnotation" ? annotation.parent : undefined;
  const holder = parameter?.parent?.type === "AssignmentPattern" ? parameter.parent : parameter;
  return holder?.parent?.params?.includes(holder) ?? false;
}

export default {
  meta: {
    type: "suggestion",
    schema: [{ type: "integer", minimum: 1 }],
    messages: { many: "{{what}} has {{count}} fields; a function takes at most {{most}}." },
  },
  create(context) {
    const [most = 8] = context.options;
    const report = (node, what, count) => {
      if (count > most) context.report({ node, messageId: "many", data: { what, count, most } });
    };
    const checkFunction = ({ params }) => {
      for (const parameter of params.map(bare)) {
        const destructured =
          parameter.type === "ObjectPattern"
            ? parameter.properties.filter(({ type }) => type === "Property").length
            : 0;
        const annotation = parameter.typeAnnotation?.typeAnnotation;
        report(parameter, "This parameter", Math.max(destructured, annotation ? fieldsOf(annotation) : 0));
      }
    };
    const checkType = (node, count) => {
      if (count <= most) return;
      const [variable] = context.sourceCode.getDeclaredVariables(node);
      const references = variable?.references ?? [];
      const shared = node.parent.type === "ExportNamedDeclaration";
      const bag =
        NAMES.test(node.id.name) || (!shared && references.length > 0 && references.every(annotatesParameter));
      if (bag) report(node.id, node.id.name, count);
    };
    return {
      FunctionDeclaration: checkFunction,
      FunctionExpression: checkFunction,
      ArrowFunctionExpression: checkFunction,
      TSDeclareFunction: checkFunction,
      TSInterfaceDeclaration: (node) => checkType(node, fields(node.body.body)),
      TSTypeAliasDeclaration: (node) => checkType(node, fieldsOf(node.typeAnnotation)),
    };
  },
};
