/** Made by bench/vite.config.ts: the contenders whose packages are installed, by the name of the command line. */
declare module "virtual:contenders" {
  import type { OpenContender } from "../contenders/contender.ts";
  /** In the order of the tables. */
  export const contenders: Readonly<Record<string, () => Promise<OpenContender>>>;
  /** Names whose packages are not installed. */
  export const missing: readonly string[];
}
