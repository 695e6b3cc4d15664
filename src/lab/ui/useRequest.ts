/** @file One request at a time, and its state. */
import { useState } from "react";
import type { RunFailure } from "../../experiment/run/events.ts";
import { toFailure } from "../support/failure.ts";

export type RequestState<T> =
  | { readonly kind: "none" }
  | { readonly kind: "pending" }
  | { readonly kind: "done"; readonly result: T }
  | { readonly kind: "failed"; readonly failure: RunFailure };

/** @param where names the request in errors */
export function useRequest<T>(
  request: () => Promise<T>,
  where: string,
): { readonly state: RequestState<T>; readonly send: () => Promise<void> } {
  const [state, setState] = useState<RequestState<T>>({ kind: "none" });
  const send = async (): Promise<void> => {
    setState({ kind: "pending" });
    try {
      setState({ kind: "done", result: await request() });
    } catch (error) {
      setState({ kind: "failed", failure: toFailure(error, where) });
    }
  };
  return { state, send };
}
