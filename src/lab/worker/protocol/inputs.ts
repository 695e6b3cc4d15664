/** @file What the page gives the GPU worker so that specs may name it: files, folders, adapters, the hub's token. */
import type { AdapterFiles } from "../../../weights/adapterFile.ts";
import type { SourceDescriptor } from "../../../weights/descriptor.browser.ts";

/** How the hub is asked; in memory only. */
export interface HubAccess {
  readonly token?: string;
  readonly hubUrl?: string;
}

export type InputCommand =
  /** Files that the user chose, by the name under which a spec refers to them. */
  | { readonly type: "attach"; readonly files: ReadonlyMap<string, File> }
  /** An adapter of the run history or of the chat: `name` as `lora.init_adapter` has it. */
  | { readonly type: "attach_adapter"; readonly name: string; readonly files: AdapterFiles }
  /** A folder of this computer: from now on the model `folder:NAME`. */
  | { readonly type: "attach_folder"; readonly name: string; readonly source: SourceDescriptor }
  | { readonly type: "hub_access"; readonly access: HubAccess };
