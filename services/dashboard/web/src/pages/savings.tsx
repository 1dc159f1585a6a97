// What control saved: the bill beside what it would have been, split by cause.

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useSites } from "../api/queries.ts";
import { analytics, sites as siteService } from "../api/transport.ts";
import { words } from "../api/errors.ts";
import { every, spoken } from "../domain/words.ts";
import { Counterfactual } from "../gen/wattmesh/analytics/v1/bill_pb.ts";
import { SavingsCause, type Savings } from "../gen/wattmesh/analytics/v1/savings_pb.ts";
import type { Site } from "../gen/wattmesh/site/v1/site_pb.ts";
import { ChargeCause } from "../gen/wattmesh/type/v1/tariff_pb.ts";
import { energy, money, moment, number, percent, shortName, type Locale } from "../lib/format.ts";
import { DAY, dayStart, duration, HOUR, range, rasterOf } from "../lib/time.ts";
import { useInterval } from "../live/hooks.ts";
import { Asked, Card, Empty, Figure } from "../parts/bits.tsx";
import { localeOf, siteTitle, usePath, useSite } from "../parts/pages.ts";

const SPANS: ReadonlyArray<{ title: string; days: number }> = [
  { title: "Today", days: 0 },
  { title: "Since yesterday", days: 1 },
  { title: "Last 7 days", days: 6 },
  { title: "Last 30 days", days: 29 },
];

export default function SavingsPage() {
  const site = useSite();
  return site === undefined ? <Empty>Loading…</Empty> : <SavingsOf site={site} />;
}

function SavingsOf({ site }: { site: Site }) {
  const { site: named } = usePath();
  const all = useSites().data ?? [];
  const at = localeOf(site);
  const [place, setPlace] = useState(1);
  const [whole, setWhole] = useState(false);
  const hour = useInterval(HOUR);
  const days = SPANS[place]?.days ?? 0;
  const everyone = whole || named === "";
  const names = everyone
    ? all.filter((each) => each.currencyCode === site.currencyCode).map((each) => each.name)
    : [site.name];
  // The last hour's readings may still be on their way.
  const end = hour === null ? null : hour - HOUR;
  const start = end === null ? null : dayStart(end, at.zone, -days);
  const ready = start !== null && end !== null && end > start && names.length > 0;
  const savings = useQuery({
    queryKey: ["savings", names, start, end],
    queryFn: ({ signal }) =>
      analytics.querySavings(
        {
          sites: names,
          range: range(start ?? 0, end ?? 0),
          resolution: duration(rasterOf(start ?? 0)),
          counterfactual: Counterfactual.IDLE_STORAGE,
        },
        { signal, timeoutMs: 30_000 },
      ),
    enabled: ready,
    placeholderData: (before) => before,
    staleTime: 5 * 60_000,
  });
  return (
    <div className="page">
      <div className="title">
        <h1>Savings {everyone ? `of ${names.length} sites` : `of ${siteTitle(site)}`}</h1>
        {start !== null && end !== null && (
          <span className="muted small">
            {moment(start, at)} to {moment(end, at)}
          </span>
        )}
      </div>
      <div className="filters">
        <label className="field">
          <span>Time</span>
          <select className="select" value={place} onChange={(event) => setPlace(Number(event.target.value))}>
            {SPANS.map((each, index) => (
              <option key={each.title} value={index}>
                {each.title}
              </option>
            ))}
          </select>
        </label>
        {named !== "" && all.length > 1 && (
          <label className="check">
            <input type="checkbox" checked={whole} onChange={(event) => setWhole(event.target.checked)} />
            All sites together
          </label>
        )}
      </div>
      {!ready && <Empty>The first hour of the day is not over yet.</Empty>}
      {ready && (
        <Asked of={savings} waiting="Adding up…">
          {(data) => (data.total === undefined ? <Empty>Nothing yet.</Empty> : <Sides savings={data.total} at={at} />)}
        </Asked>
      )}
      {ready && !everyone && <Bill site={site} start={start} end={end} at={at} />}
    </div>
  );
}

const CAUSES = every<SavingsCause, { title: string; colour: string }>(SavingsCause, (name) => ({ title: spoken(name), colour: "--load" }), {
  [SavingsCause.UNSPECIFIED]: { title: "Other", colour: "--load" },
  [SavingsCause.SELF_CONSUMPTION]: { title: "Own generation used instead of exported", colour: "--pv" },
  [SavingsCause.ARBITRAGE]: { title: "Bought when cheap, used when dear", colour: "--battery" },
  [SavingsCause.PEAK]: { title: "Lower peaks", colour: "--grid" },
  [SavingsCause.OTHER]: { title: "Tiers and other charges", colour: "--load" },
});

function Sides({ savings, at }: { savings: Savings; at: Locale }) {
  const { metered, without, currencyCode } = savings;
  const saved = Number(savings.savedAmount);
  const cost = Number(without?.costAmount ?? NaN);
  const emissions = [metered?.emissionsGco2e, without?.emissionsGco2e];
  return (
    <div className="stack">
      <Card>
        <dl className="figures">
          <Figure name={saved < 0 ? "Cost more" : "Saved"} note={cost ? percent(saved / Math.abs(cost), at.locale, 1) : undefined}>
            <span className={Math.abs(saved) < 0.005 ? undefined : saved < 0 ? "bad" : "won"}>{money(Math.abs(saved), currencyCode, at.locale)}</span>
          </Figure>
          <Figure name="Cost" note={`${money(cost, currencyCode, at.locale)} without`}>
            {money(Number(metered?.costAmount ?? NaN), currencyCode, at.locale)}
          </Figure>
          <Figure name="Highest import" note={`${number(without?.peakKw ?? NaN, 2, at.locale)} kW without`}>
            {number(metered?.peakKw ?? NaN, 2, at.locale)} kW
          </Figure>
          {emissions[0] !== undefined && emissions[1] !== undefined && (
            <Figure name="Emissions" note={`${number(emissions[1] / 1000, 1, at.locale)} kg without`}>
              {number(emissions[0] / 1000, 1, at.locale)} kg CO₂e
            </Figure>
          )}
          <Figure name="Imported" note={`${energy(without?.importEnergyKwh ?? NaN, at.locale)} without`}>
            {energy(metered?.importEnergyKwh ?? NaN, at.locale)}
          </Figure>
        </dl>
      </Card>
      <Card title="What made the difference">
        <Parts savings={savings} at={at} />
      </Card>
      {savings.coveredRatio < 0.999 && (
        <p className="notice">
          {percent(1 - savings.coveredRatio, at.locale, 1)} of the time was not metered, or has no price; it counts on
          neither side.
        </p>
      )}
      <p className="muted small">
        Compared with batteries that do nothing, by the tariff’s own arithmetic.
        {savings.storedEnergyGainKwh !== undefined &&
          ` The batteries hold ${energy(Math.abs(savings.storedEnergyGainKwh), at.locale)} ${savings.storedEnergyGainKwh < 0 ? "less" : "more"} than at the start${savings.storedEnergyAmount === "" ? "" : `, worth ${money(Math.abs(Number(savings.storedEnergyAmount)), currencyCode, at.locale)}`}; that is not in it.`}{" "}
        Uncertainty and regret against perfect foresight are not computed yet.
      </p>
    </div>
  );
}

function Parts({ savings, at }: { savings: Savings; at: Locale }) {
  const parts = savings.parts.map((part) => ({ ...CAUSES[part.cause], amount: Number(part.amount) }));
  const whole = parts.reduce((sum, part) => sum + Math.abs(part.amount), 0);
  if (whole < 0.005) return <p className="muted">Nothing yet.</p>;
  return (
    <>
      <div className="bar" aria-hidden="true">
        {parts.map((part) => (
          <i
            key={part.title}
            style={{ width: `${(Math.abs(part.amount) / whole) * 100}%`, background: `var(${part.colour})`, opacity: part.amount < 0 ? 0.35 : 1 }}
          />
        ))}
      </div>
      <dl className="pairs spaced">
        {parts.map((part) => (
          <div key={part.title}>
            <dt>
              <i className="dot" style={{ background: `var(${part.colour})` }} />
              {part.title}
            </dt>
            <dd className={part.amount < -0.005 ? "bad" : undefined}>{money(part.amount, savings.currencyCode, at.locale)}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

const CHARGES = every<ChargeCause, string>(ChargeCause, spoken, {
  [ChargeCause.UNSPECIFIED]: "Other",
  [ChargeCause.IMPORT_ENERGY]: "Imported energy",
  [ChargeCause.EXPORT_ENERGY]: "Exported energy",
  [ChargeCause.TIER]: "Tier",
  [ChargeCause.DEMAND]: "Demand",
  [ChargeCause.COINCIDENT_PEAK]: "Coincident peak",
  [ChargeCause.FIXED]: "Fixed",
});

interface BillProps {
  site: Site;
  start: number;
  end: number;
  at: Locale;
}

function Bill({ site, start, end, at }: BillProps) {
  const bills = useQuery({
    queryKey: ["bills", site.name, start, end],
    queryFn: async ({ signal }) => {
      const asked = { site: site.name, range: range(start, end), resolution: duration(rasterOf(start)) };
      return (await analytics.queryBills(asked, { signal, timeoutMs: 30_000 })).bills;
    },
    placeholderData: (before) => before,
    staleTime: 5 * 60_000,
  });
  return (
    <div className="columns">
      <Card title="The bill so far" flush>
        <Asked of={bills}>
          {(list) => (
            <table>
              <thead>
                <tr>
                  <th scope="col">For</th>
                  <th scope="col" className="right">
                    Quantity
                  </th>
                  <th scope="col" className="right">
                    Amount
                  </th>
                </tr>
              </thead>
              <tbody>
                {list.flatMap((each) =>
                  (each.bill?.lines ?? []).map((line, place) => (
                    <tr key={`${each.periodRange?.startTime?.seconds} ${place}`}>
                      <td>
                        {CHARGES[line.cause]}
                        {line.displayName !== "" && <span className="muted"> {line.displayName}</span>}
                      </td>
                      <td className="right nowrap">
                        {number(line.quantity, 2, at.locale)} {line.unit}
                      </td>
                      <td className="right nowrap">
                        {money(Number(line.amount), each.bill?.currencyCode ?? "", at.locale)}
                      </td>
                    </tr>
                  )),
                )}
                <tr>
                  <th scope="row">Total</th>
                  <td />
                  <td className="right">
                    <strong>
                      {money(
                        list.reduce((sum, each) => sum + Number(each.bill?.totalAmount ?? 0), 0),
                        site.currencyCode,
                        at.locale,
                      )}
                    </strong>
                  </td>
                </tr>
              </tbody>
            </table>
          )}
        </Asked>
      </Card>
      <Tariffs site={site} start={start} end={end} at={at} />
    </div>
  );
}

/** What the same metered energy would have cost by every other tariff of the same currency. */
function Tariffs({ site, start, end, at }: BillProps) {
  const compared = useQuery({
    queryKey: ["tariffs", site.name, start, end],
    queryFn: async ({ signal }) => {
      const known = (await siteService.listTariffs({}, { signal })).tariffs;
      const same = known.filter((each) => each.currencyCode === site.currencyCode).slice(0, 12);
      const one = async (name: string) => {
        try {
          const asked = { site: site.name, range: range(start, end), resolution: duration(rasterOf(start)), tariff: name };
          const { bills } = await analytics.queryBills(asked, { signal, timeoutMs: 30_000 });
          const gaps = bills.some((each) => (each.bill?.gaps.length ?? 0) > 0);
          return { total: bills.reduce((sum, each) => sum + Number(each.bill?.totalAmount ?? 0), 0), gaps, error: "" };
        } catch (error) {
          return { total: NaN, gaps: false, error: words(error) };
        }
      };
      return Promise.all(
        same.map(async (each) => ({ name: each.name, title: each.displayName || shortName(each.name), ...(await one(each.name)) })),
      );
    },
    placeholderData: (before) => before,
    staleTime: 5 * 60_000,
    enabled: end - start < 40 * DAY,
  });
  return (
    <Card title="By another tariff" note="The same metered energy, billed by each tariff that is registered.">
      <Asked of={compared}>
        {(list) =>
          list.length < 2 ? (
            <p className="muted">There is only one tariff.</p>
          ) : (
            <dl className="pairs">
              {[...list]
                .sort((one, other) => one.total - other.total)
                .map((each) => (
                  <div key={each.name}>
                    <dt>
                      {each.title} {each.name === site.tariff && <span className="tag good">yours</span>}
                      {each.gaps && <span className="tag warn">with gaps</span>}
                    </dt>
                    <dd>{each.error !== "" ? <span className="muted">{each.error}</span> : money(each.total, site.currencyCode, at.locale)}</dd>
                  </div>
                ))}
            </dl>
          )
        }
      </Asked>
    </Card>
  );
}
