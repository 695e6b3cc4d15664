/** @file Texts about the hosts that the lab may load from. */
import type { NamedBy } from "./savedHosts.ts";

const NAMED_BY: Readonly<Record<NamedBy, string>> = {
  you: "Settings that you typed",
  link: "The link that you opened",
  address: "This page’s own address (?hubUrl=)",
  document: "These settings",
};

/** Fields that the question lists. */
const MAX_WANTED = 4;

export const HOST_QUESTION = {
  title: (host: string, by: NamedBy): string => `Load from ${host}? ${NAMED_BY[by]} ${names(by)} this host.`,
  files: (wanted: readonly string[]): string =>
    `What would be loaded: ${wanted.slice(0, MAX_WANTED).join("; ")}` +
    `${wanted.length > MAX_WANTED ? `; and ${wanted.length - MAX_WANTED} more` : ""}.`,
  hub:
    "It would take the place of the Hugging Face Hub: models and datasets would come from it, and an access token " +
    "that you enter would be sent to it.",
  consequence:
    "Nothing has been requested from it yet. It would see your IP address and which files are loaded. Your answer is " +
    "saved; change it under Diagnostics, “Network requests”.",
  allow: (host: string): string => `Load from ${host}`,
  refuse: "Don’t load",
};

function names(by: NamedBy): string {
  return by === "you" || by === "document" ? "name" : "names";
}

export const HOSTS = {
  title: "Hosts that this browser may load from",
  none: "Only this site and the Hugging Face Hub.",
  always: "Besides this site and the Hugging Face Hub:",
  withToken: ", also with your access token",
  allow: "Allow",
  allowOf: (origin: string): string => `Allow ${origin}`,
  revoke: "Revoke",
  revokeOf: (origin: string): string => `Revoke the permission for ${origin}`,
  refused: "not allowed",
  namedBy: {
    you: "named by you",
    link: "named by a link; you agreed",
    address: "named by this page’s address; you agreed",
    document: "named by a document; you agreed",
  } satisfies Record<NamedBy, string>,
  namedByRefused: {
    you: "named by you",
    link: "named by this link",
    address: "named by this page’s address",
    document: "named by these settings",
  } satisfies Record<NamedBy, string>,
};
