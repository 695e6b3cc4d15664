/** @file ID of the text that says why no more runs can be selected. */
export const FULL_ID = "runs-selection-full";
