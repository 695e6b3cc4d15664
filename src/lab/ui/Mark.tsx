/** @file The logo: a ball at rest in a basin. */
import type { JSX } from "react";

export function Mark({ size = 26 }: { readonly size?: number }): JSX.Element {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path
        d="M2 8C10 8 9.5 26 16 26S22 8 30 8"
        fill="none"
        stroke="var(--aligned)"
        strokeWidth="2.6"
        strokeLinecap="round"
      />
      <circle cx="16" cy="20.6" r="3.6" fill="var(--unaligned)" />
    </svg>
  );
}
