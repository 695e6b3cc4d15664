/**
 * @file Error boundary: if a part of the page throws, it shows the failure, and the rest of the page still works.
 * A class, because React has error boundaries only for classes.
 */
import { Button } from "@mantine/core";
import { Component, type ErrorInfo, type JSX, type ReactNode } from "react";
import type { RunFailure } from "../../experiment/run/events.ts";
import { toFailure } from "../support/failure.ts";
import { isMissingFile } from "../support/missingFile.ts";
import { FAILURE } from "./copy.ts";
import { retryFailedParts } from "./lazyPart.tsx";
import { FailurePanel } from "./FailurePanel.tsx";

interface BoundaryProps {
  /** Name of the part in the message: "Runs". */
  readonly name: string;
  readonly children: ReactNode;
}

interface BoundaryState {
  readonly failure: RunFailure | null;
  /** A file of the site is missing: reloading may be wrong while something runs, and the banner offers it when not. */
  readonly isMissing: boolean;
  /** The component stack, innermost first. */
  readonly stack: string | null;
}

const NO_FAILURE: BoundaryState = { failure: null, isMissing: false, stack: null };

export class Boundary extends Component<BoundaryProps, BoundaryState> {
  override readonly state: BoundaryState = NO_FAILURE;

  static getDerivedStateFromError(error: unknown): Partial<BoundaryState> {
    return { failure: toFailure(error, "page"), isMissing: isMissingFile(error) };
  }

  override componentDidCatch(_: unknown, { componentStack }: ErrorInfo): void {
    this.setState({ stack: componentStack ?? null });
  }

  readonly #retry = (): void => {
    retryFailedParts();
    this.setState(NO_FAILURE);
  };

  override render(): JSX.Element {
    const { failure, isMissing, stack } = this.state;
    if (failure === null) return <>{this.props.children}</>;
    return (
      <FailurePanel title={FAILURE.cannotShow(this.props.name)} failure={failure} details={{ components: stack }}>
        <Button variant="default" size="xs" onClick={this.#retry}>
          {FAILURE.retry}
        </Button>
        {!isMissing && (
          <Button variant="default" size="xs" onClick={() => window.location.reload()}>
            {FAILURE.reload}
          </Button>
        )}
      </FailurePanel>
    );
  }
}
