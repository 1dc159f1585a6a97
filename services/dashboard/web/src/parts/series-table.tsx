// A chart for those who read or hear numbers: hour by hour.

import { fullMoment, number, type Locale } from "../lib/format.ts";
import { HOUR } from "../lib/time.ts";
import type { Pane } from "./chart.tsx";

interface TableProps {
  times: readonly number[];
  panes: readonly Pane[];
  at: Locale;
  label: string;
}

export function SeriesTable({ times, panes, at, label }: TableProps) {
  const lines = panes.flatMap((pane) =>
    pane.lines
      .filter((line) => line.quiet !== true)
      .map((line) => ({ ...line, title: pane.title, digits: Math.max(pane.digits, 2) })),
  );
  return (
    <div className="scroll tall" tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {lines.map((line) => (
              <th key={`${line.title} ${line.name}`} scope="col" className="right">
                {line.name}
                <br />
                <span className="muted">{line.title}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {times.map((ms, place) =>
            ms % HOUR !== 0 ? null : (
              <tr key={ms}>
                <th scope="row">{fullMoment(ms, at)}</th>
                {lines.map((line) => (
                  <td key={`${line.title} ${line.name}`} className="right">
                    {line.values[place] == null ? "–" : number(line.values[place] as number, line.digits, at.locale)}
                  </td>
                ))}
              </tr>
            ),
          )}
        </tbody>
      </table>
    </div>
  );
}
