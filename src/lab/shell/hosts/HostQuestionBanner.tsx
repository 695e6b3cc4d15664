/** @file Asks whether the lab may load from a host that a link, the page's address or a document names. */
import { Button } from "@mantine/core";
import type { JSX } from "react";
import { useHosts, useLab } from "../app/labContext.ts";
import { Banner } from "../../ui/Banner.tsx";
import { HOST_QUESTION } from "./copy.ts";
import type { HostQuestion } from "./hostController.ts";

export function HostQuestionBanner(): JSX.Element | null {
  const { hosts, models } = useLab();
  const question = useHosts(({ questions }) => questions[0]);
  if (question === undefined) return null;
  const refuse = (): void => {
    hosts.refuse(question);
    // Without its mirror the lab uses the hub itself.
    if (question.by === "address") models.setHubUrl(null);
  };
  return (
    <Banner
      tone="info"
      testId="host-question"
      tools={
        <>
          <Button variant="filled" size="xs" onClick={() => hosts.allow(question)}>
            {HOST_QUESTION.allow(hostName(question))}
          </Button>
          <Button variant="default" size="xs" onClick={refuse}>
            {HOST_QUESTION.refuse}
          </Button>
        </>
      }
    >
      <strong>{HOST_QUESTION.title(hostName(question), question.by)}</strong>{" "}
      {question.asHub ? HOST_QUESTION.hub : HOST_QUESTION.files(question.wanted)} {HOST_QUESTION.consequence}
    </Banner>
  );
}

function hostName({ origin }: HostQuestion): string {
  return origin.replace(/^https:\/\//, "");
}
