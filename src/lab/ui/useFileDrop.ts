/** @file Makes an element a drop target for files. */
import { useState, type DragEvent } from "react";

export interface FileDrop {
  /** Whether files are held over the element. */
  readonly over: boolean;
  /** Props of the element. */
  readonly target: {
    readonly onDragOver: (event: DragEvent<HTMLElement>) => void;
    readonly onDragLeave: (event: DragEvent<HTMLElement>) => void;
    readonly onDrop: (event: DragEvent<HTMLElement>) => void;
  };
}

export function useFileDrop(onDrop: (event: DragEvent<HTMLElement>) => void): FileDrop {
  const [over, setOver] = useState(false);
  return {
    over,
    target: {
      onDragOver: (event) => {
        if (!event.dataTransfer.types.includes("Files")) return;
        event.preventDefault();
        setOver(true);
      },
      onDragLeave: (event) => {
        // Also fires when the pointer moves onto a child.
        const inside = event.relatedTarget instanceof Node && event.currentTarget.contains(event.relatedTarget);
        if (!inside) setOver(false);
      },
      onDrop: (event) => {
        event.preventDefault();
        setOver(false);
        onDrop(event);
      },
    },
  };
}
