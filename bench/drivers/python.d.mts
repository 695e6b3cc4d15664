import type { Ask } from "../pytorch/contender.ts";

/** Starts PyTorch's process with this Python. */
export function openPython(python: string): { readonly ask: Ask; close(): void };
