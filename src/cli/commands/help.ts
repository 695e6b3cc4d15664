/** @file Help texts that several commands share. */

export const MODEL_HELP =
  "folder in Hugging Face layout, owner/name[@revision] on the Hugging Face hub, a URL, or the name of a bundled model";

export const ADAPTER_HELP =
  "PEFT adapter (adapter_config.json, adapter_model.safetensors): a folder, owner/name on the hub, or a URL";

export const QUANTIZATION_HELP = "quantise the layers' matrices while they load";
