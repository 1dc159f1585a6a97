// What holds at one time of the plan, and why.

import { bound } from "../../domain/bound.ts";
import { REASONS } from "../../domain/words.ts";
import type { Explanation } from "../../gen/wattmesh/optimizer/v1/plan_pb.ts";
import { clock, moment, money, perKwh, percent, power, type Locale } from "../../lib/format.ts";
import type { Planned } from "./data.ts";

export interface Value {
  name: string;
  text: string;
  colour?: string;
}

interface ReadoutProps {
  ms: number;
  /** Whether somebody has moved the cursor there: what goes on by itself is not read out. */
  moved: boolean;
  /** Whether it is not measured yet. */
  expected: boolean;
  values: readonly Value[];
  planned: Planned | null;
  explanation: Explanation | null | undefined;
  currency: string;
  /** What people call an asset. */
  title: (name: string) => string;
  at: Locale;
}

export function Readout({ ms, moved, expected, values, planned, explanation, currency, title, at }: ReadoutProps) {
  const interval = planned === null ? -1 : Math.floor((ms - planned.start) / planned.step);
  return (
    <div className="readout" aria-live={moved ? "polite" : "off"}>
      <h3>
        {moment(ms, at)} <span className="tag">{expected ? "expected" : "measured"}</span>
      </h3>
      <dl className="pairs">
        {values.map((value) => (
          <div key={value.name}>
            <dt>
              {value.colour !== undefined && (
                <i className="dot" style={{ background: `var(${value.colour})` }} />
              )}
              {value.name}
            </dt>
            <dd>{value.text}</dd>
          </div>
        ))}
      </dl>
      {planned !== null && interval >= 0 && (
        <Why
          interval={interval}
          planned={planned}
          explanation={explanation}
          currency={currency}
          title={title}
          at={at}
        />
      )}
    </div>
  );
}

interface WhyProps {
  interval: number;
  planned: Planned;
  explanation: Explanation | null | undefined;
  currency: string;
  /** What people call an asset. */
  title: (name: string) => string;
  at: Locale;
}

function Why({ interval, planned, explanation, currency, title, at }: WhyProps) {
  const own = planned.site;
  const names = new Set(own.assets.map((each) => each.assetName));
  const assets = (explanation?.assets ?? []).filter((each) => names.has(each.assetName));
  const value = explanation?.sites.find((each) => each.siteName === own.siteName)
    ?.energyValuesPerKwh[interval];
  const binding = (explanation?.bindingConstraints ?? []).filter(
    (each) =>
      each.intervals.includes(interval) && (names.has(each.subject) || each.subject === own.siteName),
  );
  if (explanation == null) return <p className="muted small">Why is on its way…</p>;
  return (
    <div className="why">
      <h3>Why</h3>
      <ul className="lines">
        {assets.map((each) => {
          const plan = own.assets.find((asset) => asset.assetName === each.assetName);
          const watts = plan?.powersW[interval];
          const reason = REASONS[each.reasons[interval] ?? 0];
          const stored = each.storedValuesPerKwh[interval];
          // A plant that gives nothing at night needs no reason.
          if (stored === undefined && Math.abs(watts ?? 0) < 1) return null;
          return (
            <li key={each.assetName}>
              <strong>{title(each.assetName)}</strong>{" "}
              {watts !== undefined && power(watts, at.locale)}
              {reason !== undefined && reason !== "" && `: ${reason}`}
              {stored !== undefined && (
                <span className="muted"> · one more kWh in it is worth {perKwh(stored, currency, at.locale)}</span>
              )}
            </li>
          );
        })}
        {value !== undefined && <li>One more kWh used costs {perKwh(value, currency, at.locale)}</li>}
        {binding.map((each, place) => (
          <li key={place}>
            Limit: {bound(each, { title, planned, money: (amount) => money(amount, currency, at.locale, 2, amount < 0.1 ? 4 : 2), span: (from, to) => `${moment(from, at)}–${clock(to, at)}` })}
          </li>
        ))}
      </ul>
    </div>
  );
}

/** A power that goes both ways, in words: `charges 0.77 kW`, `gives 1.20 kW`. */
export function signed(
  value: number | null | undefined,
  [into, outOf]: readonly [string, string],
  at: Locale,
): string {
  if (value == null) return "–";
  if (Math.abs(value) < 0.001) return kw(0, at);
  return `${value > 0 ? into : outOf} ${kw(Math.abs(value), at)}`;
}

export function kw(value: number | null | undefined, at: Locale): string {
  return value == null ? "–" : power(value * 1000, at.locale);
}

export function ratio(value: number | null | undefined, at: Locale): string {
  return value == null ? "–" : percent(value / 100, at.locale);
}
