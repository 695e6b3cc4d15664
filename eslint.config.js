/**
 * @file Lint: typescript-eslint's strict rules, React hooks, and the layers of the house.
 *
 * `LAYERS` says which folders of src/ a folder may import from. Imports point downwards only; a folder that is not
 * listed for another may not be imported by it. The core (everything but lab and cli) is free of DOM, React and Node,
 * except in files whose name says so (`*.node.ts`, `*.browser.ts`, `*.worker.ts`).
 */
import { dirname, join, relative, sep } from "node:path";
import js from "@eslint/js";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";
import parameterFields from "./scripts/lint/parameterFields.js";

/** Folder of src/ -> the folders that it may import from, besides itself. */
const BELOW = ["base", "engine", "weights", "text", "model", "batch", "train", "generate"];
const LAYERS = {
  base: [],
  engine: ["base"],
  weights: ["base", "engine"],
  text: ["base", "engine"],
  model: ["base", "engine", "weights"],
  batch: ["base", "engine", "weights", "text", "model"],
  train: ["base", "engine", "weights", "text", "model", "batch"],
  generate: ["base", "engine", "weights", "text", "model", "batch"],
  methods: BELOW,
  eval: BELOW,
  analysis: [...BELOW, "methods", "eval"],
  experiment: [...BELOW, "methods", "eval", "analysis"],
  cli: [...BELOW, "methods", "eval", "analysis", "experiment"],
  lab: [...BELOW, "methods", "eval", "analysis", "experiment"],
};
const CORE = Object.keys(LAYERS).filter((layer) => layer !== "cli" && layer !== "lab");

const SOURCES = join(import.meta.dirname, "src");

/** No line is wider, comments and strings included. */
const MAX_LEN = ["error", { code: 120 }];

/** Lines of code in a function: comments and blank lines are free. */
const functionLines = (max) => ["error", { max, skipBlankLines: true, skipComments: true }];

/** The folder of src/ that a file lies in; undefined outside of src/. */
function layerOf(file) {
  const path = relative(SOURCES, file);
  return path.startsWith("..") ? undefined : path.split(sep)[0];
}

/**
 * Refuses imports, re-exports and type imports that `LAYERS` does not allow. All imports within src/ are relative, with
 * their suffix.
 */
const layersRule = {
  meta: {
    type: "problem",
    schema: [],
    messages: { forbidden: "src/{{layer}} may not import from src/{{target}}, only from {{allowed}}." },
  },
  create(context) {
    const layer = layerOf(context.filename);
    const allowed = LAYERS[layer];
    if (allowed === undefined) return {};
    const check = (source) => {
      if (typeof source?.value !== "string" || !source.value.startsWith(".")) return;
      const target = layerOf(join(dirname(context.filename), source.value));
      if (target === undefined || !(target in LAYERS) || target === layer || allowed.includes(target)) return;
      context.report({
        node: source,
        messageId: "forbidden",
        data: { layer, target, allowed: [layer, ...allowed].map((name) => `src/${name}`).join(", ") },
      });
    };
    return {
      ImportDeclaration: (node) => check(node.source),
      ExportNamedDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
      ImportExpression: (node) => check(node.source),
      TSImportType: (node) => check(node.source ?? node.argument?.literal),
    };
  },
};

/** `it(…)`, `it.only(…)`, `it.each(…)(…)`, `test` likewise. */
const TEST =
  ":matches(CallExpression[callee.name=/^(it|test)$/], CallExpression[callee.object.name=/^(it|test)$/], " +
  "CallExpression[callee.callee.object.name=/^(it|test)$/])";

export default tseslint.config(
  { ignores: ["dist/", "**/node_modules/", "test-results/", "playwright-report/", "runs/", "python/", "public/"] },
  js.configs.recommended,
  {
    files: ["**/*.{ts,tsx}"],
    extends: [tseslint.configs.strict],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-non-null-assertion": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: false }],
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/consistent-type-imports": [
        "error",
        { fixStyle: "inline-type-imports", disallowTypeAnnotations: false },
      ],
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_", ignoreRestSiblings: true },
      ],
      eqeqeq: ["error", "always", { null: "ignore" }],
      "no-undef": "off",
    },
  },
  {
    files: ["src/**/*.{ts,tsx}"],
    plugins: { basin: { rules: { layers: layersRule, "parameter-fields": parameterFields } } },
    rules: { "basin/layers": "error" },
  },
  {
    files: ["src/**/*.{ts,tsx}"],
    rules: {
      "max-len": MAX_LEN,
      "max-lines": ["error", { max: 400 }],
      "max-lines-per-function": functionLines(60),
      "basin/parameter-fields": ["error", 8],
    },
  },
  // Components are mostly markup.
  {
    files: ["src/**/*.tsx"],
    rules: { "max-lines-per-function": functionLines(120) },
  },
  {
    files: ["src/**"],
    ignores: ["src/base/zod.ts"],
    rules: {
      "@typescript-eslint/no-restricted-imports": [
        "error",
        { paths: [{ name: "zod", message: "Import z from src/base/zod.ts, which turns compiled parsers off." }] },
      ],
    },
  },
  {
    files: ["src/**/*.{ts,tsx}"],
    ignores: ["src/engine/completion.ts"],
    rules: {
      "no-restricted-syntax": [
        "error",
        {
          selector: "MemberExpression[property.name=/^(mapAsync|onSubmittedWorkDone)$/]",
          message: "Wait by src/engine/completion.ts: some browsers notice finished work late.",
        },
      ],
    },
  },
  {
    files: CORE.map((layer) => `src/${layer}/**/*.{ts,tsx}`),
    ignores: ["**/*.node.ts", "**/*.browser.ts", "**/*.worker.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              group: ["node:*", "fs", "path", "webgpu"],
              message: "The core runs in browsers, too. Node belongs in src/cli or a *.node.ts file.",
            },
            {
              group: ["react", "react-dom", "react/*", "react-dom/*", "@mantine/*", "zustand", "idb", "uplot"],
              message: "The core knows no user interface; this belongs in src/lab.",
            },
          ],
        },
      ],
      "no-restricted-globals": [
        "error",
        ...[
          "document",
          "window",
          "localStorage",
          "sessionStorage",
          "alert",
          "process",
          "Buffer",
          "__dirname",
          "require",
        ].map((name) => ({
          name,
          message: "The core imports no DOM and no Node; pass in what it needs.",
        })),
      ],
    },
  },
  { files: ["tests/**", "e2e/**", "scripts/**", "bench/**", "*.config.{ts,js}"], rules: { "max-len": MAX_LEN } },
  {
    files: ["tests/**/*.{ts,tsx}", "e2e/**/*.ts"],
    rules: {
      "no-restricted-syntax": [
        "error",
        ...["ReturnStatement", "BlockStatement > ReturnStatement"].map((leaving) => ({
          selector: `${TEST} > :function > BlockStatement > IfStatement > ${leaving}[argument=null]`,
          message: "A test that returns early passes without a check. Use context.skip(why), test.skip, or else.",
        })),
      ],
    },
  },
  {
    files: ["src/lab/**/*.{ts,tsx}"],
    plugins: { "react-hooks": reactHooks },
    rules: reactHooks.configs.recommended.rules,
  },
  {
    files: ["scripts/**/*.mjs", "bin/**/*.mjs", "*.config.js", "python/**/*.mjs", "bench/**/*.mjs"],
    languageOptions: {
      globals: Object.fromEntries(
        ["process", "console", "performance", "URL", "setTimeout", "clearTimeout", "fetch", "Buffer"].map((name) => [
          name,
          "readonly",
        ]),
      ),
    },
  },
);
