/** @file A link as a full-screen QR code, for projecting in class: black on white in both colour schemes. */
import { useEffect, useMemo, useRef, type JSX } from "react";
import { saveFile } from "../../support/clipboard.ts";
import { QR } from "../copy.ts";
import { MAX_BYTES, pathOf, qrCode, qrSvg } from "./qr.ts";
import css from "./share.module.css";

interface QrViewProps {
  readonly link: string;
  readonly title: string;
  /** Name of the file, without its ending. */
  readonly name: string;
  /** A warning for those who scan it: the address works on this computer only. */
  readonly note: string | null;
  /** How to get a shorter link; null if there is no way. */
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
            {QR.close}
          </button>
        </header>
        {code.kind === "code" ? (
          <svg
            className={css.code}
            viewBox={`0 0 ${code.modules.length} ${code.modules.length}`}
            shapeRendering="crispEdges"
            role="img"
            aria-label={QR.label}
          >
            <path fill="#fff" d={`M0 0h${code.modules.length}v${code.modules.length}H0z`} />
            <path fill="#000" d={pathOf(code.modules)} />
          </svg>
        ) : (
          <p className={css.wallText} role="alert">
            <strong>{QR.tooLong}</strong>
            {QR.tooLongText(code.bytes, MAX_BYTES)}
            {shorter ?? QR.sendLink}
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
                {QR.save}
              </button>
              <span>{QR.characters(link.length)}</span>
            </>
          )}
          {note !== null && <strong>{note}</strong>}
        </footer>
      </div>
    </dialog>
  );
}
