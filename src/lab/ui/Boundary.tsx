/**
 * @file Keeps a defect in one part of the page from blanking the rest: the part shows what has failed, everything else
 * goes on. A class, because React offers this to classes only.
 */
import { Button } from "@mantine/core";
import { Component, type ErrorInfo, type JSX, type ReactNode } from "react";
import type { RunFailure } from "../../experiment/run/events.ts";
import { toFailure } from "../support/failure.ts";
import { FailurePanel } from "./FailurePanel.tsx";

interface BoundaryProps {
  /** What it is called in the message: "Runs". */
  readonly name: string;
  readonly children: ReactNode;
}

interface BoundaryState {
  readonly failure: RunFailure | null;
  /** The components around the place, innermost first. */
  readonly stack: string | null;
}

export class Boundary extends Component<BoundaryProps, BoundaryState> {
  override readonly state: BoundaryState = { failure: null, stack: null };

  static getDerivedStateFromError(error: unknown): Partial<BoundaryState> {
    // A file of an older build that the host no longer has.
    const stale = error instanceof Error && /dynamically imported module|module script failed/i.test(error.message);
    const failure = stale
      ? {
          what: "A part of the lab could not be fetched",
          where: error.message,
          fix:
            "The page may be older than what the host has now, or the network is " +
            "gone. Reload the page; runs and settings are kept.",
        }
      : toFailure(error, "page");
    return { failure };
  }

  override componentDidCatch(_: unknown, { componentStack }: ErrorInfo): void {
    this.setState({ stack: componentStack ?? null });
  }

  override render(): JSX.Element {
    const { failure, stack } = this.state;
    if (failure === null) return <>{this.props.children}</>;
    return (
      <FailurePanel
        title={`${this.props.name} cannot be shown; the rest of the lab goes on`}
        failure={failure}
        details={{ components: stack }}
      >
        <Button variant="default" size="xs" onClick={() => this.setState({ failure: null, stack: null })}>
          Try again
        </Button>
        <Button variant="default" size="xs" onClick={() => window.location.reload()}>
          Reload
        </Button>
      </FailurePanel>
    );
  }
}
