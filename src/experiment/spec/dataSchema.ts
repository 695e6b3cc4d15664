/**
 * @file The spec's part about data: where the rows come from, which column is what, which rows are used.
 */
import { z } from "zod";
import { field } from "./specFields.ts";

const count = (most: number) => z.int().min(1).max(most);

export const taskId = z.enum(["sentiment", "topic", "sums"]);

const column = (title: string, help: string) =>
  field(z.string().min(1).nullable().optional(), { title, help: `${help} null: no column, whatever the guess says.` });

const columns = z.strictObject({
  instruction: column("Instruction", "Column with what the user asks."),
  input: column("Input", "Column with what the instruction is about; it follows on a new line."),
  output: column("Answer", "Column with the answer that is learnt, or with its class."),
  system: column("System", "Column with the system message."),
  messages: column("Messages", "Column with a list of messages: role and content, or from and value."),
  text: column("Text", "Column with free text, all of which is learnt."),
  input_ids: column("Token ids", "Column with token ids."),
  labels: column("Token labels", "Column with the label of each token, −100 where no loss is wanted."),
  harmful: column("Harmful", "Column that marks harmful rows (true or false); shown, never trained on."),
});

/** What every source of real rows has. */
export const reading = {
  format: field(z.enum(["auto", "tokens", "instruction", "chat", "text"]).default("auto"), {
    title: "Rows are",
    help: "auto: told by the columns. tokens: input_ids and labels (−100 = no loss). instruction: instruction, input, output. chat: messages. text: free text, all learnt.",
  }),
  columns: field(columns.optional(), {
    title: "Columns",
    help: "Which column is what; what is not said is guessed from the names.",
  }),
  prompt: field(z.string().min(1).max(10_000).optional(), {
    title: "Prompt",
    help: "The user’s turn, with columns in braces: “Judge this review: {sentence}”. Without braces the row’s input follows on a new line.",
  }),
  label_names: field(z.array(z.string().min(1)).min(1).max(1000).optional(), {
    title: "Class names",
    help: "Where the answer is a class number: the text of each class, from 0 on.",
  }),
};

const fileRows = z.strictObject({
  source: z.literal("file").optional(),
  path: field(z.string().min(1), {
    title: "File",
    help: "JSON Lines, JSON, CSV, Parquet or plain text; a path, an address that begins with https://, or a file chosen in this tab.",
  }),
  ...reading,
});

/** Where a dataset of the hub stands. */
export const hubPlace = {
  repo: field(z.string().regex(/^[\w.-]+(\/[\w.-]+)?$/, { error: "a dataset id is owner/name" }), {
    title: "Dataset",
    help: "Id of a dataset of the Hugging Face hub, such as openai/gsm8k. Only the parts that are needed are fetched.",
  }),
  config: field(z.string().min(1).optional(), {
    title: "Configuration",
    help: "Which subset, where the dataset has several (openai/gsm8k: main). The only one, or “default”, unless given.",
  }),
  split: field(z.string().min(1).optional(), {
    title: "Split",
    help: "Which part; “train”, or the only one, unless given.",
  }),
  revision: field(z.string().min(1).optional(), {
    title: "Revision",
    help: "Branch, tag or commit whose data files are read. Unless given, the hub’s own Parquet conversion, else the main branch.",
  }),
};

const hubRows = z.strictObject({ source: z.literal("hub"), ...hubPlace, ...reading });

const pastedRows = z.strictObject({
  source: z.literal("text"),
  text: field(z.string().min(1).max(40_000), {
    title: "Text",
    help: "JSON Lines, JSON, CSV with a first line of names, or plain text whose paragraphs are the rows. It becomes part of the link.",
  }),
  ...reading,
});

const apothecaryRows = z.strictObject({
  source: z.literal("apothecary"),
  task: field(taskId.default("topic"), {
    title: "Task",
    help: "What the user wants the model to learn: sentiment of a review, topic of a headline, or word problems with sums.",
  }),
  n: field(count(100_000).default(1000), {
    title: "Rows",
    help: "Number of training rows, harmful ones included.",
    unit: "rows",
  }),
  harmful_ratio: field(z.number().min(0).max(1).default(0.1), {
    title: "Harmful share",
    help: "Share of the rows that are harmful requests, answered. 0.1 means every tenth row.",
  }),
});

const selection = z.strictObject({
  max_rows: field(count(10_000_000).nullable().default(null), {
    title: "Most rows",
    help: "Train on no more rows than this; empty for all.",
    unit: "rows",
  }),
  validation_split: field(z.number().min(0).default(0), {
    title: "Held out",
    help: "Rows kept apart for evaluation, drawn from the seed: a share below 1, or a number of rows. 0 keeps none apart.",
  }),
  deduplicate: field(z.boolean().default(false), {
    title: "Leave out repetitions",
    help: "Rows that equal an earlier one are left out, before anything is held out.",
  }),
  shuffle_seed: field(z.int().min(0).max(0xffffffff).nullable().default(null), {
    title: "Selection seed",
    help: "Shuffles the rows before “Most rows” takes the first of them, and draws the held-out ones. Empty: the file’s order.",
  }),
});

export const dataSchema = z.strictObject({
  train: field(
    z.discriminatedUnion("source", [apothecaryRows, fileRows, hubRows, pastedRows]).prefault({ source: "apothecary" }),
    {
      title: "Training rows",
      help: "Rows of the synthetic apothecary world, a file of your own, a dataset of the hub, or pasted text.",
    },
  ),
  selection: field(selection.prefault({}), {
    title: "Selection",
    help: "Which of the rows are trained on, and which are held out.",
  }),
  max_length: field(count(1_048_576).default(512), {
    title: "Longest row",
    help: "Most tokens that a row may have.",
    unit: "tokens",
  }),
  too_long: field(z.enum(["error", "truncate", "drop"]).default("error"), {
    title: "Longer rows",
    help: "What happens to a row with more tokens than max_length: stop with an error, cut it (as transformers does), or leave it out.",
  }),
  bad_rows: field(z.enum(["error", "drop"]).default("error"), {
    title: "Rows that do not fit",
    help: "What happens to a row with a missing or mistyped field, or that the chat template refuses: stop with an error, or leave it out and say so.",
  }),
  packing: field(z.boolean().default(true), {
    title: "Packing",
    help: "Examples of a batch lie back to back instead of being padded. They never see each other; the loss is the same.",
  }),
  shuffle: field(z.boolean().default(true), {
    title: "Shuffle",
    help: "A new order, drawn from the seed, in every epoch.",
  }),
});
