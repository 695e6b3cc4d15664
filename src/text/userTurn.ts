/** @file The user's turn of a row with instruction and input; on its own, because the page needs no templates. */

/**
 * An instruction row's prompt as the user's turn of a chat: the input follows the instruction on a new line, as in
 * LLaMA-Factory.
 */
export function userTurn(instruction: string, input: string | undefined): string {
  return input === undefined || input === "" ? instruction : `${instruction}\n${input}`;
}
