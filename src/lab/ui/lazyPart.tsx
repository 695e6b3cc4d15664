/** @file Parts of the page that are loaded when they are first shown, and loaded again after a failure if asked to. */
import { createElement, lazy, useState, type ComponentType, type JSX, type LazyExoticComponent } from "react";

/** Let go of failed loads. */
const failed = new Set<() => void>();

/** Parts that could not be loaded are loaded again when they are shown next. */
export function retryFailedParts(): void {
  for (const forget of failed) forget();
  failed.clear();
}

/** As React's `lazy`, which remembers a failure for ever. Show it in a `Suspense` and a `Boundary`. */
export function lazyPart<P extends object>(
  load: () => Promise<{ readonly default: ComponentType<P> }>,
): (props: P) => JSX.Element {
  let current: LazyExoticComponent<ComponentType<P>> | null = null;
  const begin = (): LazyExoticComponent<ComponentType<P>> =>
    lazy(() =>
      load().catch((error: unknown) => {
        failed.add(() => (current = null));
        throw error;
      }),
    );
  return function LazyPart(props) {
    const [Part] = useState(() => (current ??= begin()));
    return createElement(Part, props);
  };
}
