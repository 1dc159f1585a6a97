// Small parts that every page has.

import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { words } from "../api/errors.ts";
import { percent } from "../lib/format.ts";

interface CardProps {
  title?: ReactNode;
  aside?: ReactNode;
  note?: ReactNode;
  flush?: boolean;
  className?: string;
  children: ReactNode;
}

export function Card({ title, aside, note, flush = false, className = "", children }: CardProps) {
  return (
    <section className={`card ${flush ? "flush" : ""} ${className}`}>
      {(title !== undefined || aside !== undefined) && (
        <header>
          {title !== undefined && <h2>{title}</h2>}
          {aside !== undefined && <div className="muted small">{aside}</div>}
        </header>
      )}
      {note !== undefined && <p className="muted small note">{note}</p>}
      {children}
    </section>
  );
}

export function Figure({ name, children, note }: { name: string; children: ReactNode; note?: ReactNode }) {
  return (
    <div className="figure">
      <dt>{name}</dt>
      <dd>{children}</dd>
      {note !== undefined && <dd className="small muted" style={{ fontSize: "0.8rem", fontWeight: 450 }}>{note}</dd>}
    </div>
  );
}

export function Soc({ ratio }: { ratio: number }) {
  return (
    <span className="soc">
      <i style={{ ["--soc" as string]: Math.min(Math.max(ratio, 0), 1) }} />
      {percent(ratio)}
    </span>
  );
}

interface AskedProps<T> {
  of: UseQueryResult<T>;
  /** What is shown while nothing is known yet. */
  waiting?: string;
  /** Whether the answer to another question, shown while this one's is on its way, is faded as an old one is. */
  fades?: boolean;
  children: (data: T) => ReactNode;
}

/** What was asked: its answer, that it is on its way, or why there is none and how old the last one is. */
export function Asked<T>({ of, waiting = "Loading…", fades = false, children }: AskedProps<T>) {
  const { data, error, isError, isPlaceholderData, dataUpdatedAt, refetch } = of;
  const another = fades && isPlaceholderData;
  if (data === undefined && !isError) return <p className="empty">{waiting}</p>;
  return (
    <>
      {isError && (
        <div className="notice bad" role="alert">
          <span>
            {words(error)}
            {data !== undefined && ` What is shown is from ${new Date(dataUpdatedAt).toLocaleTimeString()}.`}
          </span>
          <button type="button" className="button" onClick={() => void refetch()}>
            Try again
          </button>
        </div>
      )}
      {data !== undefined && (
        <div className={isError || another ? "stale" : undefined} aria-busy={another}>
          {children(data)}
        </div>
      )}
    </>
  );
}

export function Empty({ children }: { children: ReactNode }) {
  return <p className="empty">{children}</p>;
}
