/** @file Progress of the model files that are being read: bytes of each, the rate, the time left. */
import type { JSX } from "react";
import type { Transfer } from "../../../experiment/run/events.ts";
import { bytes, duration } from "../../support/format.ts";
import { TRANSFERS } from "./copy.ts";
import css from "./models.module.css";

export function Transfers({ transfers }: { readonly transfers: readonly Transfer[] }): JSX.Element | null {
  if (transfers.length === 0) return null;
  return (
    <section className={css.transfers} data-testid="transfers" aria-label={TRANSFERS.title}>
      <h3>{TRANSFERS.title}</h3>
      {transfers.map((transfer) => (
        <TransferLine key={`${transfer.checkpoint} ${transfer.file}`} transfer={transfer} />
      ))}
    </section>
  );
}

function TransferLine({
  transfer: { checkpoint, file, done, total, bytesPerSecond, origin },
}: {
  readonly transfer: Transfer;
}): JSX.Element {
  const share = total > 0 ? done / total : 1;
  return (
    <div className={css.transfer}>
      <span className={css.transferName}>
        {checkpoint}/{file}
      </span>
      <span className={css.transferFigures}>
        {TRANSFERS.progress(bytes(done), bytes(total))}
        {done < total && bytesPerSecond > 0 && TRANSFERS.rate(bytes(bytesPerSecond))}, {TRANSFERS.origins[origin]}
      </span>
      <div
        className={css.transferBar}
        role="progressbar"
        aria-label={`${checkpoint} ${file}`}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(100 * share)}
      >
        <div className={css.transferFill} style={{ width: `${100 * share}%` }} />
      </div>
    </div>
  );
}

/** "112 MiB of 257 MiB, 12.1 MiB/s, 12 s left", over all files in progress; null before the first byte. */
export function transferText(transfers: readonly Transfer[]): string | null {
  const open = transfers.filter(({ done, total }) => done < total);
  const latest = transfers.at(-1);
  if (latest === undefined || open.length === 0) return null;
  const done = transfers.reduce((sum, transfer) => sum + transfer.done, 0);
  const total = transfers.reduce((sum, transfer) => sum + transfer.total, 0);
  const rate = latest.bytesPerSecond > 0 ? TRANSFERS.rate(bytes(latest.bytesPerSecond)) : "";
  const left =
    latest.etaSeconds !== null && latest.etaSeconds > 0 ? TRANSFERS.left(duration(1000 * latest.etaSeconds)) : "";
  return `${TRANSFERS.progress(bytes(done), bytes(total))}${rate}${left}`;
}
