/** @file The models that answer in the chat. */

export const SUBJECTS = ["unaligned", "aligned", "tuned"] as const;
export type SubjectName = (typeof SUBJECTS)[number];

/** Names one answer between page and worker. */
export function chatId(exchange: string, subject: SubjectName): string {
  return `${exchange}/${subject}`;
}
