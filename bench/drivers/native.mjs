/** @file The benchmark in Node, on Dawn: builds dist/bench-native where that is wanted, and runs it. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const configFile = fileURLToPath(new URL("../native.config.ts", import.meta.url));
const built = new URL("../../dist/bench-native/main.js", import.meta.url);

export async function buildNative() {
  const { build } = await import("vite");
  await build({ configFile });
}

/** @param prepared whether dist/bench-native is used as it is: needs no development packages */
export async function runNative(options, { prepared, ...hooks }) {
  if (!prepared) await buildNative();
  else if (!existsSync(built))
    throw new Error(
      "dist/bench-native is not there. Make it with `npm run bench -- " +
        "--prepare` where the development packages are installed.",
    );
  const { runNative: run } = await import(built.href);
  return run(options, hooks);
}
