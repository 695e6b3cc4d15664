/** Made by bench/registry.ts: the contenders whose packages are installed. */
declare module "virtual:contenders" {
  import type { Registry } from "../contenders/open.ts";
  export const contenders: Registry["contenders"];
  export const missing: Registry["missing"];
}
