// Amounts as rows: what it is, a bar from zero, and the amount. The bar is for the eye, the rest for everybody.

import type { ReactNode } from "react";
import { bar } from "../domain/savings.ts";

export interface Row {
  name: string;
  title: ReactNode;
  value: number;
  /** The value as it is read. */
  text: ReactNode;
  /** A CSS variable, as `--pv`. */
  colour: string;
}

export function Bars({ rows }: { rows: readonly Row[] }) {
  const values = rows.map((row) => row.value).filter(Number.isFinite);
  return (
    <dl className="bars">
      {rows.map((row) => (
        <div key={row.name}>
          <dt>{row.title}</dt>
          <dd>{row.text}</dd>
          <dd className="track" aria-hidden="true">
            {Number.isFinite(row.value) && <Bar {...bar(row.value, values)} colour={row.colour} />}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Bar({ left, width, colour }: { left: number; width: number; colour: string }) {
  return <i style={{ left: `${left * 100}%`, width: `${width * 100}%`, background: `var(${colour})` }} />;
}
