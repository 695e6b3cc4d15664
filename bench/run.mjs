/**
 * @file `npm run bench`: Basin beside other libraries, in Chromium or, with --native, in Node on Dawn. Prints the
 * tables as Markdown and saves them, with everything as JSON, in a file that grows during the run. The options
 * are in bench/README.md.
 */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";

const SECTIONS = ["peak", "step", "matmul", "overhead", "packing", "decoding", "evaluation", "start"];

const { values } = parseArgs({
  options: {
    sections: { type: "string", default: SECTIONS.join(",") },
    contenders: { type: "string", default: "" },
    repetitions: { type: "string", default: "20" },
    shapes: { type: "string", default: "135m,360m,0.5b" },
    tokens: { type: "string", default: "256" },
    "step-tokens": { type: "string", default: "256,512" },
    layers: { type: "string", default: "2" },
    minutes: { type: "string" },
    nominal: { type: "string" },
    pytorch: { type: "string" },
    out: { type: "string" },
    gpu: { type: "boolean", default: false },
    native: { type: "boolean", default: false },
    prepare: { type: "boolean", default: false },
    prepared: { type: "boolean", default: false },
  },
});

const list = (text) =>
  text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
/** A positive number of the command line. */
function positive(name, text) {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} has to be a positive number, not ${JSON.stringify(text)}.`);
  return value;
}
function whole(name, text) {
  const value = positive(name, text);
  if (!Number.isInteger(value)) throw new Error(`--${name} has to be a whole number, not ${JSON.stringify(text)}.`);
  return value;
}

const say = (line) => process.stderr.write(`${line}\n`);

/** Writes the report so that a run which is cut short, even while it writes, leaves whole files. */
function keeper(out) {
  const json = resolve(out ?? `runs/bench-${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}.json`);
  const markdown = json.replace(/(\.json)?$/, ".md");
  const write = (path, text) => {
    writeFileSync(`${path}.part`, text);
    renameSync(`${path}.part`, path);
  };
  mkdirSync(dirname(json), { recursive: true });
  say(`The report so far is always in ${json} and ${markdown}.`);
  return (report) => {
    write(json, `${JSON.stringify(report, null, 1)}\n`);
    write(markdown, report.markdown);
  };
}

async function main() {
  const { buildNative, runNative } = await import("./drivers/native.mjs");
  if (values.prepare) {
    await buildNative();
    say("dist/bench-native is built.");
    return;
  }
  const wanted = list(values.sections);
  const unknown = wanted.find((name) => !SECTIONS.includes(name));
  if (unknown !== undefined) throw new Error(`There is no section ${unknown}; there are ${SECTIONS.join(", ")}.`);
  const options = {
    sections: wanted.filter((name) => name !== "start"),
    contenders: list(values.contenders),
    repetitions: whole("repetitions", values.repetitions),
    shapes: list(values.shapes),
    tokens: whole("tokens", values.tokens),
    stepTokens: list(values["step-tokens"]).map((text) => whole("step-tokens", text)),
    layers: list(values.layers).map((text) => whole("layers", text)),
    minutes: values.minutes === undefined ? null : positive("minutes", values.minutes),
    nominal: values.nominal === undefined ? null : positive("nominal", values.nominal),
  };
  const python = values.pytorch || process.env.BASIN_PYTHON || undefined;
  const link = python === undefined ? undefined : (await import("./drivers/python.mjs")).openPython(python);
  const hooks = { say, save: keeper(values.out), ask: link?.ask };
  try {
    const report = values.native
      ? await runNative(options, { prepared: values.prepared, ...hooks })
      : await (await import("./drivers/page.mjs")).runPage(options, {
          gpu: values.gpu,
          start: wanted.includes("start"),
          ...hooks,
        });
    await new Promise((done) => process.stdout.write(report.markdown, done));
  } finally {
    link?.close();
  }
}

try {
  await main();
  // Dawn keeps threads that would hold the process.
  process.exit(0);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
}
