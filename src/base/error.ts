/**
 * @file The one error class that reaches users.
 *
 * Every failure that a person can cause or mend says three things: what went wrong, where, and what to do about it.
 * Anything else that is thrown is a defect of Basin.
 */

export interface BasinErrorDetails {
  /** What went wrong, one sentence. */
  readonly what: string;
  /** Where: a file, line, tensor, module, field or device. */
  readonly where: string;
  /** What the reader can do about it. */
  readonly fix: string;
  readonly cause?: unknown;
}

/** An error that names what, where and what to do. */
export class BasinError extends Error {
  readonly what: string;
  readonly where: string;
  readonly fix: string;

  constructor(details: BasinErrorDetails) {
    super(`${details.what} (${details.where}). ${details.fix}`, { cause: details.cause });
    this.name = "BasinError";
    this.what = details.what;
    this.where = details.where;
    this.fix = details.fix;
  }
}

/** The device has less memory than was asked for. */
export class MemoryError extends BasinError {}

/** Training left the numbers: a run that goes on from a checkpoint comes to the same end. */
export class DivergedError extends BasinError {}
