/** @file The messages between the page and its service worker; each is answered on the port that comes with it. */

export type OfflineCommand =
  /** What is kept. */
  | { readonly type: "status" }
  /** Keep what is otherwise kept when it is used. */
  | { readonly type: "keep_all" }
  /** Take over, if no other tab of the lab is open. */
  | { readonly type: "activate" };

export interface OfflineStatus {
  readonly build: string;
  /** Files that are kept, and their bytes. */
  readonly kept: number;
  readonly keptBytes: number;
  /** Files that are kept once they have been used. */
  readonly later: readonly { readonly path: string; readonly bytes: number }[];
}

export type OfflineAnswer =
  | { readonly type: "status"; readonly status: OfflineStatus }
  | { readonly type: "activating" }
  /** `tabs` others are open: files are not changed under them. */
  | { readonly type: "held"; readonly tabs: number }
  | { readonly type: "failed"; readonly why: string };

/** Told to every tab when the copy could not be made. */
export interface InstallFailed {
  readonly type: "basin_install_failed";
  readonly why: string;
}
