/** @file Messages between the page and its service worker; each is answered on the port that it brings. */

export type OfflineCommand =
  /** Which files are saved. */
  | { readonly type: "status" }
  /** Save the files that are otherwise saved after their first use. */
  | { readonly type: "save_all" }
  /** Take over if no other tab of the lab is open. */
  | { readonly type: "activate" };

export interface OfflineStatus {
  readonly build: string;
  /** Version of Basin; absent in service workers of earlier versions. */
  readonly basin?: string;
  /** Number of saved files, and their bytes. */
  readonly saved: number;
  readonly savedBytes: number;
  /** Files that are saved after their first use. */
  readonly later: readonly { readonly path: string; readonly bytes: number }[];
}

export type OfflineAnswer =
  | { readonly type: "status"; readonly status: OfflineStatus }
  | { readonly type: "activating" }
  /** `tabs` other tabs are open and still use the old files. */
  | { readonly type: "held"; readonly tabs: number }
  | { readonly type: "failed"; readonly why: string };

/** Sent to every tab if the copy could not be saved. */
export interface InstallFailed {
  readonly type: "basin_install_failed";
  readonly why: string;
}
