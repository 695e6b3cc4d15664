/** @file Numbers and times as the lab writes them: those of reports. */
export * from "../../base/format.ts";
