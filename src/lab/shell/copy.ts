/** @file Texts of the page around the areas: header, tour, notices, and the panel "About this page". */
import { plural } from "../support/format.ts";

export const UNCAUGHT_ERROR = {
  times: (n: number): string => `Happened ${plural(n, "time")}. `,
  consequences: "Your settings and finished runs are safe. If something stops responding, reload the page.",
  reload: "Reload",
  dismiss: "Dismiss",
};

export const UPDATE = {
  title: "A new version is ready.",
  running: "The run continues with the current version. Reload when it has finished.",
  otherTabs: (n: number): string =>
    n === 1
      ? "Another tab still uses the old version. Close it, then reload here."
      : `${n} other tabs still use the old version. Close them, then reload here.`,
  safe: "Your runs and settings are kept.",
  reload: "Reload",
};
