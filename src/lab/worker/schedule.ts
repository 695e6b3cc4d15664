/** @file When gathered events are delivered: with the next frame, and in a hidden tab without one. */
import type { Schedule } from "./client.ts";

/** What is needed of the page; tests use another. */
export interface FramePage {
  requestFrame(work: () => void): () => void;
  setTimer(work: () => void, ms: number): () => void;
  /** Calls `work` when the tab is hidden or shown. @returns what ends that */
  onVisibilityChange(work: () => void): () => void;
}

/** No frame comes while the tab is hidden; nobody waits longer than this. */
const TIMER_MS = 100;

/**
 * With the next frame, or after 100 ms, or when the tab is hidden: whichever comes first. A frame that was requested
 * before the tab was hidden never comes, so that a frame alone would hold back every later event.
 */
export function frameOrTimer(page: FramePage): Schedule {
  return (flush) => {
    let cancel: (() => void)[] = [];
    const once = (): void => {
      if (cancel.length === 0) return;
      for (const end of cancel) end();
      cancel = [];
      flush();
    };
    cancel = [page.requestFrame(once), page.setTimer(once, TIMER_MS), page.onVisibilityChange(once)];
  };
}

/** This page. */
export const browserPage: FramePage = {
  requestFrame: (work) => {
    const frame = requestAnimationFrame(work);
    return () => cancelAnimationFrame(frame);
  },
  setTimer: (work, ms) => {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  },
  onVisibilityChange: (work) => {
    document.addEventListener("visibilitychange", work);
    return () => document.removeEventListener("visibilitychange", work);
  },
};
