/**
 * @file An answer with the probability and alternatives of each token, by hover, touch and arrow keys.
 *
 * For screen readers the text stays one paragraph. The whole answer takes the focus; arrow keys move from token to
 * token, and a live region reads what the card shows.
 */
import { useMemo, useRef, useState, type JSX, type KeyboardEvent, type PointerEvent } from "react";
import { LastInput } from "../ui/lastInput.ts";
import type { ChatToken } from "../worker/protocol/chat.ts";
import { TOKENS } from "./copy.ts";
import {
  groupProbability,
  probabilityText,
  surprise,
  tokenGroups,
  visibleText,
  type TokenGroup,
} from "./tokenGroups.ts";
import css from "./tokens.module.css";

interface TokenTextProps {
  readonly tokens: readonly ChatToken[];
  readonly coloured: boolean;
  /** Accessible name: "Answer of the tuned model". */
  readonly label: string;
}

interface Place {
  readonly group: number;
  /** Of the card, in pixels within the text's box. */
  readonly left: number;
  readonly top: number;
}

/** Width of the card, see tokens.module.css. */
const CARD = 232;

export function TokenText({ tokens, coloured, label }: TokenTextProps): JSX.Element {
  const groups = useMemo(() => tokenGroups(tokens), [tokens]);
  const box = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState<Place | null>(null);
  const [input] = useState(() => new LastInput());
  const hide = (): void => {
    input.keys(false);
    setPlace(null);
  };
  const showByKeys = (group: number): void => {
    input.keys(true);
    show(group);
  };
  const show = (group: number): void => {
    const span = box.current?.querySelector<HTMLElement>(`[data-group="${group}"]`);
    if (box.current === null || !span) return setPlace(null);
    // The last line of a token that is broken over two.
    const lines = span.getClientRects();
    const line = lines[lines.length - 1] ?? span.getBoundingClientRect();
    const frame = box.current.getBoundingClientRect();
    setPlace({
      group,
      left: Math.max(0, Math.min(line.left - frame.left, frame.width - CARD)),
      top: line.bottom - frame.top + 4,
    });
  };
  const onPointer = (event: PointerEvent): void => {
    if (!input.pointer(event)) return;
    const span = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-group]") : null;
    if (span === null) setPlace(null);
    else if (Number(span.dataset.group) !== place?.group) show(Number(span.dataset.group));
  };
  const onKey = (event: KeyboardEvent): void => {
    const last = groups.length - 1;
    const at = place?.group ?? 0;
    const next =
      event.key === "ArrowRight"
        ? Math.min(at + 1, last)
        : event.key === "ArrowLeft"
          ? Math.max(at - 1, 0)
          : event.key === "Home"
            ? 0
            : event.key === "End"
              ? last
              : null;
    if (event.key === "Escape" && place !== null) hide();
    else if (next === null) return;
    else showByKeys(next);
    event.preventDefault();
    event.stopPropagation();
  };
  const shown = place === null ? undefined : groups[place.group];
  return (
    <div
      ref={box}
      className={css.box}
      role="group"
      aria-label={TOKENS.label(label, groups.length)}
      tabIndex={0}
      onFocus={(event) =>
        event.target === event.currentTarget &&
        event.currentTarget.matches(":focus-visible") &&
        showByKeys(place?.group ?? 0)
      }
      onBlur={hide}
      onKeyDown={onKey}
      onPointerOver={onPointer}
      onPointerDown={(event) => {
        input.keys(false);
        onPointer(event);
      }}
      onPointerLeave={(event) => input.pointer(event) && setPlace(null)}
      data-testid="tokens"
    >
      <p className={css.text}>
        {groups.map((group, i) => (
          <span
            key={i}
            data-group={i}
            className={css.token}
            data-surprise={coloured ? surprise(groupProbability(group)) : undefined}
            data-active={place?.group === i}
            data-end={group.text === ""}
          >
            {group.text === "" ? <span aria-hidden="true">■</span> : group.text}
          </span>
        ))}
      </p>
      {place !== null && shown !== undefined && <Card group={shown} left={place.left} top={place.top} />}
      <span className={css.spoken} role="status">
        {shown !== undefined && spoken(shown)}
      </span>
    </div>
  );
}

function Card({
  group,
  left,
  top,
}: {
  readonly group: TokenGroup;
  readonly left: number;
  readonly top: number;
}): JSX.Element {
  return (
    <div className={css.card} style={{ left, top }} aria-hidden="true" data-testid="token-card">
      {group.tokens.map((token, i) => (
        <TokenCard
          key={i}
          token={token}
          part={group.tokens.length > 1 ? TOKENS.part(i + 1, group.tokens.length) : null}
        />
      ))}
    </div>
  );
}

function TokenCard({
  token: { text, ends, logProb, top },
  part,
}: {
  readonly token: ChatToken;
  readonly part: string | null;
}): JSX.Element {
  const name = ends ? TOKENS.end : text === "" ? TOKENS.partOfCharacter : visibleText(text);
  return (
    <div className={css.entry}>
      <div className={css.chosen}>
        <span className={css.name}>
          {name}
          {part !== null && <span className={css.part}> {part}</span>}
        </span>
        <strong>{probabilityText(logProb)}</strong>
      </div>
      <ul className={css.top}>
        {top.map((one, i) => (
          <li key={i} data-chosen={one.chosen}>
            <span className={css.bar} style={{ width: `${100 * Math.exp(one.logProb)}%` }} />
            <span className={css.name}>{visibleText(one.text)}</span>
            <span>{probabilityText(one.logProb)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function spoken({ text, tokens }: TokenGroup): string {
  const details = tokens.map(({ logProb, top }) =>
    TOKENS.spokenToken(
      probabilityText(logProb),
      top.map((one) => `${visibleText(one.text)} ${probabilityText(one.logProb)}`),
    ),
  );
  return TOKENS.spoken(text === "" ? TOKENS.spokenEnd : visibleText(text), details);
}
