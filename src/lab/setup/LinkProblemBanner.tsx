/** @file A link that could not be opened: what is wrong, and the link itself, so that it can be mended or sent back. */
import { Button } from "@mantine/core";
import type { JSX } from "react";
import { useSpec } from "../shell/app/labContext.ts";
import { copyText } from "../support/clipboard.ts";
import { CopyDetails } from "../ui/CopyDetails.tsx";
import css from "./setup.module.css";

export function LinkProblemBanner(): JSX.Element | null {
  const problem = useSpec((state) => state.linkProblem);
  const dismiss = useSpec((state) => state.dismissLinkProblem);
  if (problem === null) return null;
  const { failure, fragment } = problem;
  return (
    <div className={css.banner} role="alert" data-testid="link-problem">
      <p>
        <strong>{failure.what}.</strong> {failure.fix} Your own settings are as they were.
      </p>
      <div className={css.bannerTools}>
        <Button
          variant="default"
          size="xs"
          onClick={() => void copyText(`${window.location.href.split("#")[0] ?? ""}#${fragment}`)}
        >
          Copy the link as it came
        </Button>
        <CopyDetails failure={failure} details={{ fragment }} />
        <Button variant="default" size="xs" onClick={dismiss}>
          Close
        </Button>
      </div>
    </div>
  );
}
