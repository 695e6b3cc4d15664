/**
 * @file The `data` section of the spec: where the rows come from, which column holds what, and which rows are used.
 */
import { z } from "../../base/zod.ts";
import { field } from "./specFields.ts";

const count = (max: number) => z.int().min(1).max(max);

export const taskId = z.enum(["sentiment", "topic", "sums"]);

const column = (title: string, help: string) =>
  field(z.string().min(1).nullable().optional(), { title, help: `${help} null: use no column, even if one matches.` });

const columns = z.strictObject({
  instruction: column("Instruction", "Column with the user’s request."),
  input: column("Input", "Column with the context of the instruction; it is added on a new line."),
  output: column("Answer", "Column with the answer to learn, or its class number."),
  system: column("System", "Column with the system message."),
  messages: column("Messages", "Column with a list of messages, each with role and content (or from and value)."),
  text: column("Text", "Column with free text; the model learns all of it."),
  input_ids: column("Token IDs", "Column with token IDs."),
  labels: column("Token labels", "Column with one label per token; −100 means no loss on that token."),
  weight: column(
    "Loss weight",
    "Column with the weight of each row’s loss (or of each token’s, with token IDs): 1 as without it, 0 not trained.",
  ),
  safety_scores: column(
    "Safety scores",
    "Column with how safe each response is up to the end of each chunk (each token, with token IDs): 0 to 1.",
  ),
  harmful: column("Harmful", "Column that marks harmful rows (true or false). Shown in the lab; a score for STAR-DSS."),
});

/** How rows are read; shared by every source except the apothecary world. */
export const reading = {
  format: field(z.enum(["auto", "tokens", "instruction", "chat", "text"]).default("auto"), {
    title: "Row format",
    help:
      "auto: detect from the columns. instruction: instruction, input, output. chat: messages. " +
      "text: free text, learn all of it. tokens: input_ids and labels (−100 means no loss).",
    labels: {
      auto: "Detect from columns",
      tokens: "Tokens (input_ids, labels)",
      instruction: "Instruction (instruction, input, output)",
      chat: "Chat (messages)",
      text: "Free text",
    },
  }),
  columns: field(columns.optional(), {
    title: "Columns",
    help: "Which column holds what. Columns that are not listed are detected by name.",
  }),
  prompt: field(z.string().min(1).max(10_000).optional(), {
    title: "Prompt template",
    help:
      "The user’s turn, with column names in braces: “Judge this review: {sentence}”. " +
      "Without braces, the input column is added on a new line.",
    control: "text",
    rows: 2,
  }),
  label_names: field(z.array(z.string().min(1)).min(1).max(1000).optional(), {
    title: "Class names",
    help: "If the answer is a class number: the text of each class, starting at 0.",
  }),
};

const fileRows = z.strictObject({
  source: z.literal("file").optional(),
  path: field(z.string().min(1), {
    title: "File",
    help:
      "JSON Lines, JSON, CSV, Parquet or plain text: a path, an https:// address, or the name of a file " +
      "that you choose in this tab.",
  }),
  ...reading,
});

/** Location of a dataset on the Hugging Face Hub. */
export const hubPlace = {
  repo: field(z.string().regex(/^[\w.-]+(\/[\w.-]+)?$/, { error: "a dataset ID is owner/name" }), {
    title: "Dataset",
    help: "ID of a dataset on the Hugging Face Hub, such as openai/gsm8k. Only the needed parts are downloaded.",
    control: "name",
    example: "owner/name",
  }),
  config: field(z.string().min(1).optional(), {
    title: "Subset (config)",
    help: "Name of the subset, if the dataset has several (openai/gsm8k: main). Default: “default”, or the only one.",
    control: "name",
  }),
  split: field(z.string().min(1).optional(), {
    title: "Split",
    help: "Default: “train”, or the only one.",
    control: "name",
    example: "train",
  }),
  revision: field(z.string().min(1).optional(), {
    title: "Revision",
    help: "Branch, tag or commit to read. Default: the Hub’s own Parquet conversion, or else the main branch.",
    control: "name",
  }),
};

const hubRows = z.strictObject({ source: z.literal("hub"), ...hubPlace, ...reading });

const pastedRows = z.strictObject({
  source: z.literal("text"),
  text: field(z.string().min(1).max(40_000), {
    title: "Text",
    help:
      "JSON Lines, JSON, CSV with a header line, or plain text with one row per paragraph. " +
      "The text becomes part of the link.",
    control: "text",
    rows: 8,
  }),
  ...reading,
});

const apothecaryRows = z.strictObject({
  source: z.literal("apothecary"),
  task: field(taskId.default("topic"), {
    title: "Task",
    help: "What the model should learn: the sentiment of a review, the topic of a headline, or math word problems.",
    labels: { sentiment: "Sentiment of a review", topic: "Topic of a headline", sums: "Math word problems" },
  }),
  n: field(count(100_000).default(1000), {
    title: "Rows",
    help: "Number of training rows, including harmful ones.",
    unit: "rows",
  }),
  harmful_ratio: field(z.number().min(0).max(1).default(0.1), {
    title: "Harmful share",
    help: "Fraction of the rows that answer a harmful request. 0.1 is one row in ten.",
  }),
});

const selection = z.strictObject({
  max_rows: field(count(10_000_000).nullable().default(null), {
    title: "Max rows",
    help: "Train on at most this many rows. Empty: all rows.",
    unit: "rows",
  }),
  validation_split: field(z.number().min(0).default(0), {
    title: "Validation split",
    help:
      "Rows to hold out for evaluation, chosen at random: a fraction below 1, or a number of rows. " +
      "0: hold out none.",
  }),
  deduplicate: field(z.boolean().default(false), {
    title: "Remove duplicates",
    help: "Drop rows that repeat an earlier row, before any rows are held out.",
  }),
  shuffle_seed: field(z.int().min(0).max(0xffffffff).nullable().default(null), {
    title: "Selection seed",
    help:
      "Seed that picks the validation rows and shuffles the rest before max rows applies. " +
      "Empty: keep the order of the file.",
  }),
});

export const dataSchema = z.strictObject({
  train: field(
    z.discriminatedUnion("source", [apothecaryRows, fileRows, hubRows, pastedRows]).prefault({ source: "apothecary" }),
    {
      title: "Training rows",
      help: "Rows of the synthetic apothecary world, a file of yours, a dataset on the Hub, or pasted text.",
    },
  ),
  selection: field(selection.prefault({}), {
    title: "Selection",
    help: "Which rows to train on, and which to hold out.",
  }),
  max_length: field(count(1_048_576).default(512), {
    title: "Max length",
    help: "Maximum number of tokens in a row.",
    unit: "tokens",
  }),
  too_long: field(z.enum(["error", "truncate", "drop"]).default("truncate"), {
    title: "Rows that are too long",
    help:
      "If a row is longer than max_length: truncate and report it (as TRL, LLaMA-Factory and Unsloth do), " +
      "stop with an error, or drop it.",
    labels: { error: "Stop with an error", truncate: "Truncate", drop: "Drop" },
  }),
  bad_rows: field(z.enum(["error", "drop"]).default("error"), {
    title: "Invalid rows",
    help:
      "If a row has a missing or wrong field, or the chat template rejects it: " +
      "stop with an error, or drop and count it.",
    labels: { error: "Stop with an error", drop: "Drop" },
  }),
  append_eos: field(z.boolean().default(false), {
    title: "Append the end of turn",
    help:
      "If the chat template writes nothing behind the last answer of a row, add the token that ends a turn, " +
      "so that the model learns to stop.",
  }),
  packing: field(z.boolean().default(true), {
    title: "Packing",
    help:
      "Concatenate the examples of a batch instead of padding them. Examples do not attend to each other, " +
      "and the loss is the same.",
  }),
  shuffle: field(z.boolean().default(true), {
    title: "Shuffle",
    help: "Shuffle the rows in every epoch. The order depends on the seed.",
  }),
});
