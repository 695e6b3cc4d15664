/**
 * @file Whether keys or the pointer chose what is shown, where both can (a step, a token, a point).
 *
 * Browsers send pointer events also when the page scrolls or is laid out again under a pointer that rests, some frames
 * later: they must not take from the keys what the keys chose.
 */

/** Where a pointer is on the screen, in pixels: a page that scrolls does not change it. */
export type PointerPlace = Readonly<Pick<MouseEvent, "screenX" | "screenY">>;

let lastMove: PointerPlace | null = null;

if (typeof window !== "undefined") {
  // mousemove comes after the pointer events and the other mouse events of the same movement, and bubbles here last.
  window.addEventListener("mousemove", ({ screenX, screenY }) => {
    lastMove = { screenX, screenY };
  });
}

/** Whether the pointer is where its last movement in this page left it. */
function pointerRests({ screenX, screenY }: PointerPlace): boolean {
  return lastMove?.screenX === screenX && lastMove.screenY === screenY;
}

export class LastInput {
  readonly #rests: (where: PointerPlace) => boolean;
  #keys = false;

  /** @param rests default: by the movements in this page */
  constructor(rests: (where: PointerPlace) => boolean = pointerRests) {
    this.#rests = rests;
  }

  /** @param chosen whether the keys chose something; false: they gave it up */
  keys(chosen: boolean): void {
    this.#keys = chosen;
  }

  /** @return whether a pointer event counts: not where the keys chose last and the pointer rests */
  pointer(where: PointerPlace): boolean {
    if (this.#keys && this.#rests(where)) return false;
    this.#keys = false;
    return true;
  }
}
