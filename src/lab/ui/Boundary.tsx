/**
 * @file Error boundary: if a part of the page throws, it shows the failure, and the rest of the page still works.
 * A class, because React has error boundaries only for classes.
 */
import { Button } from "@mantine/core";
import { Component, type ErrorInfo, type JSX, type ReactNode } from "react";
import type { RunFailure } from "../../experiment/run/events.ts";
import { toFailure } from "../support/failure.ts";
import { FAILURE } from "./copy.ts";
import { FailurePanel } from "./FailurePanel.tsx";

interface BoundaryProps {
  /** Name of the part in the message: "Runs". */
  readonly name: string;
  readonly children: ReactNode;
}

interface BoundaryState {
  readonly failure: RunFailure | null;
  /** The component stack, innermost first. */
  readonly stack: string | null;
}

export class Boundary extends Component<BoundaryProps, BoundaryState> {
  override readonly state: BoundaryState = { failure: null, stack: null };

  static getDerivedStateFromError(error: unknown): Partial<BoundaryState> {
    // A file of an older build that is no longer on the server.
    const stale = error instanceof Error && /dynamically imported module|module script failed/i.test(error.message);
    const failure = stale
      ? {
          what: FAILURE.stalePage,
          where: error.message,
          fix: FAILURE.stalePageFix,
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
      <FailurePanel title={FAILURE.cannotShow(this.props.name)} failure={failure} details={{ components: stack }}>
        <Button variant="default" size="xs" onClick={() => this.setState({ failure: null, stack: null })}>
          {FAILURE.retry}
        </Button>
        <Button variant="default" size="xs" onClick={() => window.location.reload()}>
          {FAILURE.reload}
        </Button>
      </FailurePanel>
    );
  }
}
