/** @file How a spec names adapters that exist only in this browser (`lora.init_adapter`): a prefix and an id. */

/** An adapter of the run history. */
export const RUN_ADAPTER = "run:";

/** An adapter that was added to the chat of this tab. */
export const ADDED_ADAPTER = "added:";
