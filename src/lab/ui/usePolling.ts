/** @file Repeats a request while a component is on screen. */
import { useEffect } from "react";

/** @param look must keep its identity between renders; the next call starts `everyMs` after the last has finished */
export function usePolling(look: (isMounted: () => boolean) => Promise<void>, everyMs: number): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let mounted = true;
    const repeat = async (): Promise<void> => {
      await look(() => mounted);
      if (mounted) timer = setTimeout(() => void repeat(), everyMs);
    };
    void repeat();
    return () => {
      mounted = false;
      clearTimeout(timer);
    };
  }, [look, everyMs]);
}
