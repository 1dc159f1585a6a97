// The plan of a site: what was, what is expected, what is planned, and why.

import { useMemo, useState } from "react";
import {
  useAssets,
  useEnergies,
  useExplanation,
  useHoldingPlan,
  usePlan,
  usePrices,
} from "../api/queries.ts";
import { degradationsOf } from "../domain/degradations.ts";
import { after, degradation } from "../domain/words.ts";
import { PlanState } from "../gen/wattmesh/planner/v1/planner_pb.ts";
import type { Site } from "../gen/wattmesh/site/v1/site_pb.ts";
import { ago, money, number, perKwh } from "../lib/format.ts";
import { floorTo, HOUR, toMs } from "../lib/time.ts";
import { useInterval, useNow } from "../live/hooks.ts";
import { Card, Empty, Figure } from "../parts/bits.tsx";
import { Chart, nearest, type Line, type Pane } from "../parts/chart.tsx";
import { SeriesTable } from "../parts/series-table.tsx";
import { localeOf, siteTitle, useSite, useTitles } from "../parts/pages.ts";
import {
  added,
  from,
  measured,
  onto,
  plannedOf,
  plannedPower,
  priceSeries,
  quantile,
  ramp,
  sorted,
  storePlan,
  until,
  type Regular,
  type Values,
} from "./plan/data.ts";
import { kw, ratio, Readout, signed, type Value } from "./plan/readout.tsx";
import { STEP, useForecast, useIntensities, useSoc } from "./plan/sources.ts";
import Yesterday from "./plan/yesterday.tsx";

const BACK = 18 * HOUR;

export default function PlanPage() {
  const site = useSite();
  return site === undefined ? <Empty>Loading…</Empty> : <SitePlanPage key={site.name} site={site} />;
}

function SitePlanPage({ site }: { site: Site }) {
  const now = useNow();
  const tick = useInterval(STEP);
  const at = localeOf(site);
  const head = useHoldingPlan(site.name);
  const plan = usePlan(head?.name).data;
  const explanation = useExplanation(plan).data;
  const planned = useMemo(() => plannedOf(plan, site.name), [plan, site.name]);
  const assets = useAssets(site.name).data;
  const title = useTitles(site.name);
  const names = useMemo(() => sorted(assets ?? []), [assets]);
  const hour = tick === null ? null : floorTo(tick, HOUR);
  const start = hour === null ? null : hour - BACK;
  const horizonEnd = planned === null ? null : planned.start + planned.site.importPowersW.length * planned.step;
  const end = hour === null ? null : Math.max(horizonEnd ?? 0, hour + 6 * HOUR);
  const prices = usePrices(site.name, start, end, STEP).data;
  const energies = useEnergies(site.name, start, tick, STEP).data;
  const soc = useSoc(site.name, names.stores[0], start, tick);
  const loads = useForecast(names.load[0], planned?.start);
  const suns = useForecast(names.generation[0], planned?.start);
  const intensities = useIntensities(site.carbonZone, start, hour, end);
  const [cursor, setCursor] = useState<number | null>(null);
  const [table, setTable] = useState(false);

  const times = useMemo(() => {
    if (start === null || end === null) return [];
    return Array.from({ length: Math.max(0, Math.round((end - start) / STEP)) }, (_, k) => start + k * STEP);
  }, [start, end]);

  const chart = useMemo(() => {
    const future = planned?.start ?? tick ?? 0;
    const past = (names_: string[], scale: number): Values =>
      until(times, measured(times, energies, names_, scale), tick ?? 0);
    const series = (values: readonly number[] | undefined): Regular | undefined =>
      planned === null || values === undefined
        ? undefined
        : { start: planned.start, step: planned.step, values };
    const store = planned === null ? undefined : storePlan(planned, names.stores[0] ?? "");
    const grid = added(
      onto(times, series(planned?.site.importPowersW), 0.001),
      onto(times, series(planned?.site.exportPowersW), -0.001),
    );
    const fan = (of: typeof loads, level: number, scale: number): Values =>
      from(times, onto(times, quantile(of, level), scale), future);
    return {
      price: onto(times, priceSeries(prices)),
      carbon: onto(times, intensities),
      grid: past(names.grid, 0.001),
      gridPlanned: from(times, grid, future),
      load: past(names.load, 0.001),
      loadLow: fan(loads, 0.1, 0.001),
      loadMid: fan(loads, 0.5, 0.001),
      loadHigh: fan(loads, 0.9, 0.001),
      sun: past(names.generation, -0.001),
      sunLow: fan(suns, 0.9, -0.001),
      sunMid: fan(suns, 0.5, -0.001),
      sunHigh: fan(suns, 0.1, -0.001),
      store: past(names.stores, 0.001),
      storePlanned: from(times, plannedPower(times, planned, names.stores), future),
      vehicles: past(names.vehicles, 0.001),
      vehiclesPlanned: from(times, plannedPower(times, planned, names.vehicles), future),
      heat: past(names.heat, 0.001),
      heatPlanned: from(times, plannedPower(times, planned, names.heat), future),
      runs: past(names.runs, 0.001),
      runsPlanned: from(times, plannedPower(times, planned, names.runs), future),
      soc: until(times, onto(times, soc, 100), tick ?? 0),
      socPlanned: from(times, ramp(times, series(store?.socRatios), 100), future),
    };
  }, [times, planned, energies, prices, soc, loads, suns, intensities, names, tick]);

  const has = (values: Values): boolean => values.some((value) => value !== null);
  const panes = useMemo<Pane[]>(() => {
    const currency = prices?.currency ?? site.currencyCode;
    const power: Line[] = [
      { name: "Consumption", colour: "--load", values: chart.load },
      { name: "Low", colour: "--load", values: chart.loadLow, quiet: true, shape: "step" },
      { name: "High", colour: "--load", values: chart.loadHigh, quiet: true, bandTo: 1, shape: "step" },
      { name: "Consumption forecast", unnamed: true, colour: "--load", values: chart.loadMid, dashed: true, shape: "step" },
      { name: "Solar", colour: "--pv", values: chart.sun, shape: "area" },
      { name: "Low", colour: "--pv", values: chart.sunLow, quiet: true, shape: "step" },
      { name: "High", colour: "--pv", values: chart.sunHigh, quiet: true, bandTo: 5, shape: "step" },
      { name: "Solar forecast", unnamed: true, colour: "--pv", values: chart.sunMid, dashed: true, shape: "step" },
      { name: "Battery", colour: "--battery", values: chart.store, shape: "step" },
      { name: "Battery planned", unnamed: true, colour: "--battery", values: chart.storePlanned, shape: "step", dashed: true },
      { name: "Grid", colour: "--grid", values: chart.grid },
      { name: "Grid planned", unnamed: true, colour: "--grid", values: chart.gridPlanned, dashed: true, shape: "step" },
    ];
    for (const [name, colour, past, planned_] of [
      ["Vehicles", "--ev", chart.vehicles, chart.vehiclesPlanned],
      ["Heating and cooling", "--heat", chart.heat, chart.heatPlanned],
      ["Washing and the like", "--runs", chart.runs, chart.runsPlanned],
    ] as const) {
      if (!has(past) && !has(planned_)) continue;
      power.push({ name, colour, values: past, shape: "step" });
      power.push({ name: `${name} planned`, unnamed: true, colour, values: planned_, dashed: true, shape: "step" });
    }
    const list: Pane[] = [
      {
        title: `Price, ${currency}/kWh`,
        height: 88,
        digits: 2,
        range: [0, 0],
        lines: [{ name: "Import", colour: "--price", values: chart.price, shape: "step" }],
      },
      { title: "Power, kW", height: 250, digits: 1, lines: power },
    ];
    if (has(chart.soc) || has(chart.socPlanned)) {
      list.push({
        title: "State of charge, %",
        height: 110,
        digits: 0,
        range: [0, 100],
        lines: [
          { name: "Measured", colour: "--battery", values: chart.soc, shape: "area" },
          { name: "Planned", colour: "--battery", values: chart.socPlanned, dashed: true },
        ],
      });
    }
    if (has(chart.carbon)) {
      list.push({
        title: "Carbon, g CO₂e/kWh",
        height: 80,
        digits: 0,
        range: [0, 0],
        lines: [{ name: "Average intensity, then its forecast", colour: "--carbon", values: chart.carbon, shape: "step" }],
      });
    }
    return list;
  }, [chart, prices?.currency, site.currencyCode]);

  if (now === null || times.length === 0) return <Empty>Loading…</Empty>;
  const shown = cursor ?? nearest(times, now);
  const readout: Value[] = [
    { name: "Price", text: chart.price[shown] == null ? "–" : perKwh(chart.price[shown], prices?.currency ?? "", at.locale), colour: "--price" },
    { name: "Consumption", text: kw(chart.load[shown] ?? chart.loadMid[shown], at), colour: "--load" },
    ...(names.generation.length === 0 ? [] : [{ name: "Solar", text: kw(chart.sun[shown] ?? chart.sunMid[shown], at), colour: "--pv" }]),
    { name: "Battery", text: signed(chart.store[shown] ?? chart.storePlanned[shown], ["charges", "gives"], at), colour: "--battery" },
    { name: "Grid", text: signed(chart.grid[shown] ?? chart.gridPlanned[shown], ["imports", "exports"], at), colour: "--grid" },
    { name: "State of charge", text: ratio(chart.soc[shown] ?? chart.socPlanned[shown], at), colour: "--battery" },
  ];
  const further = [
    { name: "Vehicles", value: chart.vehicles[shown] ?? chart.vehiclesPlanned[shown], colour: "--ev" },
    { name: "Heating and cooling", value: chart.heat[shown] ?? chart.heatPlanned[shown], colour: "--heat" },
    { name: "Washing and the like", value: chart.runs[shown] ?? chart.runsPlanned[shown], colour: "--runs" },
  ];
  for (const { name, value, colour } of further) {
    if (value != null) readout.push({ name, text: kw(value, at), colour });
  }
  if (chart.carbon[shown] != null) {
    readout.push({ name: "Carbon", text: `${number(chart.carbon[shown] as number, 0, at.locale)} g/kWh`, colour: "--carbon" });
  }
  return (
    <div className="page">
      <div className="title">
        <h1>Plan for {siteTitle(site)}</h1>
        {head?.issueTime !== undefined && (
          <span className="muted small">
            made {ago(now - toMs(head.issueTime))}
            {head.state === PlanState.LATE && ", late"}
            {head.state === PlanState.FAILED && ", and control did not take it"}
          </span>
        )}
      </div>
      {head === undefined && <p className="notice">There is no plan for this site yet.</p>}
      {head?.state === PlanState.FAILED && (
        <p className="notice bad" role="alert">
          The newest plan failed: {head.message}
        </p>
      )}
      <div className="columns plan">
        <Card
          aside={
            <button type="button" className="button" onClick={() => setTable(!table)}>
              {table ? "As a chart" : "As a table"}
            </button>
          }
          title="Last 18 hours, and what is planned"
          note="Solid is measured, dashed planned or expected; nine of ten times it is below the top of the shade."
        >
          {table ? (
            <SeriesTable label="The plan as a table" times={times} panes={panes} at={at} />
          ) : (
            <Chart
              times={times}
              panes={panes}
              now={now}
              at={at}
              cursor={cursor}
              onCursor={setCursor}
              label={`Price, power and state of charge of ${siteTitle(site)}.`}
              tabled
            />
          )}
        </Card>
        <div className="stack">
          <Card>
            <Readout
              ms={cursor === null ? now : (times[shown] as number)}
              moved={cursor !== null}
              values={readout}
              expected={(times[shown] as number) >= (tick ?? 0)}
              planned={planned}
              explanation={explanation}
              title={title}
              currency={prices?.currency ?? site.currencyCode}
              at={at}
            />
          </Card>
          {plan?.solution?.totalCost !== undefined && (
            <Card title="What it costs" aside={head?.scope.startsWith("groups/") ? "all sites of the group" : undefined}>
              <dl className="figures">
                <Figure name="Whole horizon">
                  {money(Number(plan.solution.totalCost.amount), plan.solution.totalCost.currencyCode, at.locale)}
                </Figure>
                <Figure name="Solved in">{number(plan.solveDurationMs, 0, at.locale)} ms</Figure>
              </dl>
            </Card>
          )}
          <Card title="What it had to do without">
            {degradationsOf(plan, site.name).length === 0 ? (
              <p className="muted">Nothing: it knew all it needed.</p>
            ) : (
              <ul className="lines">
                {degradationsOf(plan, site.name).map((each, place) => (
                  <li key={place}>
                    <strong>{title(each.subject)}</strong>:{" "}
                    {after(each.subject, each.message) || degradation(each.topic, each.reason, each.remedy)}
                  </li>
                ))}
              </ul>
            )}
          </Card>
        </div>
      </div>
      <Yesterday site={site} />
    </div>
  );
}
