/** @file The methods of the lab, one line each, in the order in which they are listed. */
import { asft } from "./asft.ts";
import { bea } from "./bea.ts";
import { lisa } from "./lisa.ts";
import { safeInstr } from "./safeInstr.ts";
import { safeLora } from "./safeLora.ts";
import { safeMerge } from "./safeMerge.ts";
import { sft } from "./sft.ts";
import { splora } from "./splora.ts";
import { starDss } from "./starDss.ts";

export const METHODS = [
  sft, //
  asft,
  safeLora,
  safeInstr,
  bea,
  lisa,
  safeMerge,
  splora,
  starDss,
] as const;
