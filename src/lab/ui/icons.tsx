/** @file The icons of the lab: outlines on a grid of 16 units with strokes of 1.5. */
import type { JSX } from "react";

/** SVG path data; `solid` is filled, `heavy` has a thicker stroke. */
interface Shape {
  readonly d: string;
  readonly style?: "solid" | "heavy";
}

/** @param size in pixels */
function icon(size: number, ...shapes: readonly Shape[]): () => JSX.Element {
  return () => (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {shapes.map(({ d, style }) => (
        <path
          key={d}
          d={d}
          {...(style === "solid" ? { fill: "currentColor" } : {})}
          {...(style === "heavy" ? { strokeWidth: "2.2" } : {})}
        />
      ))}
    </svg>
  );
}

export const LinkIcon = icon(14, {
  d: "M6.5 9.5l3-3M7 4.5l1.2-1.2a3 3 0 0 1 4.3 4.3L11.3 8.8M9 11.5l-1.2 1.2a3 3 0 0 1-4.3-4.3L4.7 7.2",
});
export const MoonIcon = icon(16, { d: "M13.2 9.6A5.7 5.7 0 0 1 6.4 2.8a5.7 5.7 0 1 0 6.8 6.8z" });
export const SunIcon = icon(
  16,
  { d: "M8 5.2a2.8 2.8 0 1 0 0 5.6a2.8 2.8 0 1 0 0-5.6" },
  { d: "M8 1.5v1.4M8 13.1v1.4M1.5 8h1.4M13.1 8h1.4M3.4 3.4l1 1M11.6 11.6l1 1M12.6 3.4l-1 1M4.4 11.6l-1 1" },
);
export const PlayIcon = icon(14, { d: "M4.5 2.8v10.4L13 8z", style: "solid" });
export const PauseIcon = icon(14, { d: "M5.2 3v10M10.8 3v10", style: "heavy" });
export const StopIcon = icon(14, { d: "M3.5 3.5h9v9h-9z", style: "solid" });
export const DownloadIcon = icon(14, { d: "M8 2v8M4.8 7.2L8 10.4l3.2-3.2M2.5 13.5h11" });
export const TrashIcon = icon(14, { d: "M2.5 4.5h11M6 4.5V2.8h4v1.7M4 4.5l.6 9h6.8l.6-9" });
export const ChatIcon = icon(14, { d: "M2.5 3h11v7.5H7L4 13.2v-2.7H2.5z" });
export const ChevronIcon = icon(12, { d: "M4 6l4 4 4-4" });
export const FolderIcon = icon(14, { d: "M2 4.2h4.2l1.5 1.6H14v7H2z" });
export const UndoIcon = icon(12, { d: "M3 6.5h6.5a3.5 3.5 0 0 1 0 7H6M3 6.5L6 3.5M3 6.5l3 3" });
export const TourIcon = icon(
  16,
  { d: "M6 6.2a2 2 0 1 1 2.9 1.8c-.6.3-.9.7-.9 1.3v.3M8 11.9v.1" },
  { d: "M8 2a6 6 0 1 0 0 12a6 6 0 1 0 0-12" },
);
export const PresentIcon = icon(16, {
  d: "M1.8 2.8h12.4M2.8 2.8v7.4h10.4V2.8M8 10.2v2.2M5.4 14l2.6-1.6 2.6 1.6",
});
export const ShareIcon = icon(14, { d: "M8 10V2.2M5 5l3-3 3 3M4.5 7.5H3v6h10v-6h-1.5" });
export const PenIcon = icon(14, { d: "M2.8 13.2l.7-3 7.3-7.3 2.3 2.3-7.3 7.3zM9.4 4.3l2.3 2.3" });
