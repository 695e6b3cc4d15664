/** @file A link as a QR code over the whole screen, for the classroom wall: black on white in every colour scheme. */
import { useEffect, useMemo, useRef, type JSX } from "react";
import { saveFile } from "../../support/clipboard.ts";
import { count } from "../../support/format.ts";
import { MAX_BYTES, pathOf, qrCode, qrSvg } from "./qr.ts";
import css from "./share.module.css";

interface QrViewProps {
  readonly link: string;
  readonly title: string;
  /** Name of the file, without its ending. */
  readonly name: string;
  /** A warning that whoever scans should see: an address that only this computer knows. */
  readonly note: string | null;
  /** What would make the link shorter; null where nothing does. */
  readonly shorter: string | null;
  readonly onClose: () => void;
}

export default function QrView({ link, title, name, note, shorter, onClose }: QrViewProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const code = useMemo(() => qrCode(link), [link]);
  useEffect(() => {
    if (dialog.current?.open === false) dialog.current.showModal();
  }, []);
  return (
    <dialog ref={dialog} className={css.wall} aria-labelledby="qr-title" data-testid="qr" onClose={onClose}>
      <div className={css.wallContent}>
        <header className={css.wallHead}>
          <h2 id="qr-title">{title}</h2>
          <button type="button" className={css.wallButton} onClick={() => dialog.current?.close()}>
            Close
          </button>
        </header>
        {code.kind === "code" ? (
          <svg
            className={css.code}
            viewBox={`0 0 ${code.modules.length} ${code.modules.length}`}
            shapeRendering="crispEdges"
            role="img"
            aria-label="QR code of the link"
          >
            <path fill="#fff" d={`M0 0h${code.modules.length}v${code.modules.length}H0z`} />
            <path fill="#000" d={pathOf(code.modules)} />
          </svg>
        ) : (
          <p className={css.wallText} role="alert">
            <strong>The link is too long for a code that can be scanned from a wall:</strong> it has {count(code.bytes)}{" "}
            characters, and such a code holds {count(MAX_BYTES)}. {shorter ?? "Send the link itself."}
          </p>
        )}
        <footer className={css.wallFoot}>
          {code.kind === "code" && (
            <>
              <button
                type="button"
                className={css.wallButton}
                onClick={() => saveFile(`${name}.svg`, new Blob([qrSvg(code.modules)]), "image/svg+xml")}
              >
                Save as SVG
              </button>
              <span>{count(link.length)} characters</span>
            </>
          )}
          {note !== null && <strong>{note}</strong>}
        </footer>
      </div>
    </dialog>
  );
}
