/** @file A link that could not be opened: what is wrong, and the link itself so that it can be copied. */
import { Button } from "@mantine/core";
import type { JSX } from "react";
import { useSpec } from "../shell/app/labContext.ts";
import { copyText } from "../support/clipboard.ts";
import { Banner } from "../ui/Banner.tsx";
import { CopyDetails } from "../ui/CopyDetails.tsx";
import { LINK_PROBLEM } from "./copy.ts";
import { pageForLinks } from "./specStore.ts";

export function LinkProblemBanner(): JSX.Element | null {
  const problem = useSpec((state) => state.linkProblem);
  const dismiss = useSpec((state) => state.dismissLinkProblem);
  if (problem === null) return null;
  const { failure, fragment } = problem;
  const copy = (): Promise<void> => copyText(`${pageForLinks(window.location.href)}#${fragment}`);
  return (
    <Banner
      tone="bad"
      testId="link-problem"
      tools={
        <>
          <Button variant="default" size="xs" onClick={() => void copy()}>
            {LINK_PROBLEM.copy}
          </Button>
          <CopyDetails failure={failure} details={{ fragment }} />
          <Button variant="default" size="xs" onClick={dismiss}>
            {LINK_PROBLEM.dismiss}
          </Button>
        </>
      }
    >
      <strong>{failure.what}.</strong> {failure.fix} {LINK_PROBLEM.unchanged}
    </Banner>
  );
}
