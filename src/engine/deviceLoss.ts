/**
 * @file Hearing of a device's loss, and ceasing to. A promise holds whatever waits for it until it settles, and that of
 * a device settles with the page: a run that waited for it would never be freed.
 */

type Listener = (info: GPUDeviceLostInfo) => void;

interface Loss {
  readonly listeners: Set<Listener>;
  info: GPUDeviceLostInfo | null;
}

const losses = new WeakMap<Promise<GPUDeviceLostInfo>, Loss>();

/** @returns what ends the listening; until then the listener, and all that it refers to, is held */
export function onDeviceLost({ lost }: Pick<GPUDevice, "lost">, listener: Listener): () => void {
  const loss = lossOf(lost);
  loss.listeners.add(listener);
  if (loss.info !== null) queueMicrotask(() => tell(loss));
  return () => loss.listeners.delete(listener);
}

/** The result of `work`, or null if the device is lost first. */
export async function unlessLost<T>(device: Pick<GPUDevice, "lost">, work: Promise<T>): Promise<T | null> {
  let end: () => void = () => undefined;
  const lost = new Promise<null>((resolve) => {
    end = onDeviceLost(device, () => resolve(null));
  });
  try {
    return await Promise.race([work, lost]);
  } finally {
    end();
  }
}

function lossOf(lost: Promise<GPUDeviceLostInfo>): Loss {
  const known = losses.get(lost);
  if (known !== undefined) return known;
  const loss: Loss = { listeners: new Set(), info: null };
  losses.set(lost, loss);
  void lost.then((info) => {
    loss.info = info;
    tell(loss);
  });
  return loss;
}

function tell(loss: Loss): void {
  const { info, listeners } = loss;
  if (info === null) return;
  const all = [...listeners];
  listeners.clear();
  for (const listener of all) listener(info);
}
