/** @file Connects the form to src/experiment: schema, presets and links. */
import { BasinError } from "../../base/error.ts";
import { decodeLink, encodeLink, minimalSpec } from "../../experiment/share/link.ts";
import { presets } from "../../experiment/spec/presets.ts";
import { checkSpec, pathText, resolveSpec } from "../../experiment/spec/spec.ts";
import { parseSpecJson } from "../../experiment/spec/specJson.ts";
import type { JsonObject } from "../support/json.ts";
import type { SpecCodec } from "./specStore.ts";

/** A spec is JSON, although its type does not say so. */
const asJson = (value: unknown): JsonObject => structuredClone(value) as JsonObject;

export const codec: SpecCodec = {
  check(draft) {
    const checked = checkSpec(draft);
    return checked.ok
      ? { kind: "valid", spec: checked.spec }
      : {
          kind: "invalid",
          problems: checked.problems.map(({ path, what, fix }) => ({
            path: path.length === 0 ? "" : pathText(path),
            message: what,
            fix,
          })),
        };
  },
  presets: presets.map(({ id, title, description, spec }) => ({ id, title, description, draft: asJson(spec) })),
  toFragment: (draft) => encodeLink(resolveSpec(draft)),
  fromFragment: (fragment) => {
    const spec = decodeLink(fragment);
    return spec === null ? null : asJson(minimalSpec(spec));
  },
  toDraft: (spec) => asJson(minimalSpec(spec)),
  syntaxError: (text) => {
    try {
      parseSpecJson(text);
      return null;
    } catch (error) {
      return error instanceof BasinError ? `${error.what} (${error.where.replace(/^spec /, "")})` : String(error);
    }
  },
};
