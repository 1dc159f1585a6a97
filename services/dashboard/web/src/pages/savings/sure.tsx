// How sure a saving is, and what perfect foresight would have saved: in words, and as one picture.

import { useState } from "react";
import { useAssets } from "../../api/queries.ts";
import { useForesight, type Run } from "../../api/scenarios.ts";
import { goneWithout, movables, movedInWords, type Movable } from "../../domain/foresight.ts";
import { amount, atBest, bar, howSure, whatWasMissed } from "../../domain/savings.ts";
import type { Savings } from "../../gen/wattmesh/analytics/v1/savings_pb.ts";
import type { Site } from "../../gen/wattmesh/site/v1/site_pb.ts";
import { money, number, percent, type Locale } from "../../lib/format.ts";
import { DAY, rasterOf } from "../../lib/time.ts";
import { Card } from "../../parts/bits.tsx";

interface SureProps {
  savings: Savings;
  /** The one site that it is about; null: several. */
  site: Site | null;
  start: number;
  end: number;
  at: Locale;
}

export function Sure({ savings, site, start, end, at }: SureProps) {
  const [moved, setMoved] = useState<readonly Movable[]>([]);
  const assets = useAssets(site?.name ?? "").data ?? [];
  const able = movables(assets.map((each) => each.kind.case));
  const { run, ask } = useForesight(site?.name ?? "", start, end, rasterOf(start), moved);
  const told = {
    money: (value: number): string => money(value, savings.currencyCode, at.locale),
    percent: (ratio: number): string => percent(ratio, at.locale),
  };
  const saved = Number(savings.savedAmount);
  const fair = amount(savings.comparableSavedAmount) ?? saved;
  const regret = run.state === "done" ? amount(run.result.savedAmount) : null;
  const [low, high] = [amount(savings.savedLowAmount), amount(savings.savedHighAmount)];
  return (
    <Card title="How sure, and at best">
      <Gauge saved={saved} low={low} high={high} possible={regret === null ? null : atBest(fair, regret).possible} />
      <p className="figures-key small muted" aria-hidden="true">
        <Key kind="made">saved</Key>
        {low !== null && high !== null && high - low > 0.005 && <Key kind="span">held with 90 %</Key>}
        {regret !== null && <Key kind="more">at best</Key>}
      </p>
      <p>{howSure({ low, high, covered: savings.coveredRatio }, told)}</p>
      {regret !== null && <p>{whatWasMissed(fair, regret, movedInWords(moved), told)}</p>}
      <Foresight run={run} ask={ask} able={able} moved={moved} move={setMoved} one={site !== null} long={end - start >= DAY} at={at} />
    </Card>
  );
}

function Key({ kind, children }: { kind: string; children: string }) {
  return (
    <span className="key">
      <i className={`gauge-${kind}`} />
      {children}
    </span>
  );
}

interface GaugeProps {
  saved: number;
  low: number | null;
  high: number | null;
  possible: number | null;
}

function Gauge({ saved, low, high, possible }: GaugeProps) {
  const all = [saved, low, high, possible].filter((each) => each !== null);
  const place = (value: number) => {
    const { left, width } = bar(value, all);
    return { left: `${left * 100}%`, width: `${width * 100}%` };
  };
  const at = (value: number): number => {
    const { left, width } = bar(value, all);
    return value < 0 ? left : left + width;
  };
  return (
    <div className="gauge" aria-hidden="true">
      {possible !== null && <i className="gauge-more" style={place(possible)} />}
      <i className="gauge-made" style={place(saved)} />
      {low !== null && high !== null && high - low > 0.005 && (
        <i className="gauge-span" style={{ left: `${at(low) * 100}%`, width: `${(at(high) - at(low)) * 100}%` }} />
      )}
    </div>
  );
}

interface ForesightProps {
  run: Run;
  ask: () => void;
  /** What else the site has that can act with foresight, and what of it does. */
  able: ReadonlyArray<{ what: Movable; title: string }>;
  moved: readonly Movable[];
  move: (moved: readonly Movable[]) => void;
  one: boolean;
  long: boolean;
  at: Locale;
}

/** Computed only when somebody wants it: each day is planned anew, which takes a while. */
function Foresight({ run, ask, able, moved, move, one, long, at }: ForesightProps) {
  if (!one) return <p className="muted small">What was missed is worked out for one site at a time.</p>;
  if (!long) return <p className="muted small">What was missed is worked out for a day at least.</p>;
  const without = run.state === "done" ? goneWithout(run.result, (value) => number(value, 1, at.locale)) : [];
  return (
    <>
      {able.length > 0 && (
        <div className="filters" role="group" aria-label="With foresight, beside batteries">
          <span className="small muted">With foresight, beside batteries:</span>
          {able.map(({ what, title }) => (
            <label className="check" key={what}>
              <input
                type="checkbox"
                checked={moved.includes(what)}
                onChange={(event) => move(event.target.checked ? [...moved, what] : moved.filter((each) => each !== what))}
              />
              {title}
            </label>
          ))}
        </div>
      )}
      {without.length > 0 && <p>It would have gone without something: {without.join("; ")}.</p>}
      <div role="status" className="small muted">
        {run.state === "running" && (
          <>
            <progress max={1} value={run.ratio} aria-label="Working out what was missed" /> {percent(run.ratio, at.locale)}, {run.stage}
          </>
        )}
        {run.state === "done" &&
          `The optimizer planned each day anew, knowing it and the next, for ${movedInWords(moved)}; all else did what it did.`}
        {run.state === "failed" && <span className="bad">That did not work: {run.why}</span>}
      </div>
      {(run.state === "unasked" || run.state === "failed") && (
        <button type="button" className="button" onClick={ask}>
          {run.state === "failed" ? "Try again" : "Work out what was missed"}
        </button>
      )}
    </>
  );
}
