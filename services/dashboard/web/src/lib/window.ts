// Which rows of a long list are on the screen: only those are drawn.

import { useEffect, useState, type RefObject } from "react";

/** Of fewer, all are drawn. */
export const LEAST_ROWS = 80;
const SPARE_ROWS = 12;
const ROW_PX = 41;

export interface Shown {
  first: number;
  last: number;
  /** Heights of what is left out above and below [px]. */
  before: number;
  after: number;
}

/** The rows between two heights of a list [px], with some to spare. */
export function windowOf(count: number, top: number, bottom: number, row: number): Shown {
  if (count < LEAST_ROWS) return { first: 0, last: count, before: 0, after: 0 };
  const first = Math.min(Math.max(Math.floor(top / row) - SPARE_ROWS, 0), count);
  const last = Math.min(Math.max(Math.ceil(bottom / row) + SPARE_ROWS, first), count);
  return { first, last, before: first * row, after: (count - last) * row };
}

/** The rows of a table's body that are on the screen, as the page scrolls. */
export function useWindow(body: RefObject<HTMLElement | null>, count: number): Shown {
  const [shown, setShown] = useState(() => windowOf(count, 0, 1200, ROW_PX));
  useEffect(() => {
    let frame = 0;
    const look = (): void => {
      frame = 0;
      const at = body.current?.getBoundingClientRect();
      if (at === undefined) return;
      const drawn = body.current?.querySelector<HTMLElement>("tr:not(.gap)")?.offsetHeight;
      const row = drawn !== undefined && drawn > 0 ? drawn : ROW_PX;
      const next = windowOf(count, -at.top, innerHeight - at.top, row);
      setShown((before) => (before.first === next.first && before.last === next.last && before.after === next.after ? before : next));
    };
    const soon = (): void => {
      if (frame === 0) frame = requestAnimationFrame(look);
    };
    look();
    document.addEventListener("scroll", soon, { passive: true, capture: true });
    addEventListener("resize", soon);
    return () => {
      cancelAnimationFrame(frame);
      document.removeEventListener("scroll", soon, { capture: true });
      removeEventListener("resize", soon);
    };
  }, [body, count]);
  return shown;
}
