// Yesterday's plan, and what happened: two lines each, and what the difference came to.

import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useAssets, useEnergies, usePlan, usePlanOf, usePrices } from "../../api/queries.ts";
import { planner } from "../../api/transport.ts";
import { compared, reasons } from "../../domain/then.ts";
import type { Site } from "../../gen/wattmesh/site/v1/site_pb.ts";
import { energy, moment, money } from "../../lib/format.ts";
import { dayStart, HOUR, range, toMs } from "../../lib/time.ts";
import { useInterval } from "../../live/hooks.ts";
import { Card, Empty, Figure } from "../../parts/bits.tsx";
import { Chart, type Line, type Pane } from "../../parts/chart.tsx";
import { localeOf, siteTitle } from "../../parts/pages.ts";
import { added, measured, onto, plannedOf, plannedPower, priceSeries, ramp, sorted, storePlan, until, type Regular, type Values } from "./data.ts";
import { kw } from "./readout.tsx";
import { STEP, useSoc } from "./sources.ts";

/** A plan younger than that has not seen enough of what happened. */
const LEAST_AGE = 2 * HOUR;

export default function Yesterday({ site }: { site: Site }) {
  const at = localeOf(site);
  const tick = useInterval(STEP);
  const scope = usePlanOf(site.name)?.scope;
  const hour = tick === null ? null : Math.floor(tick / HOUR) * HOUR;
  const found = useOldest(scope, hour === null ? null : dayStart(hour, at.zone, -1), hour);
  const plan = usePlan(found.data?.name).data;
  const planned = useMemo(() => plannedOf(plan, site.name), [plan, site.name]);
  const assets = useAssets(site.name).data;
  const names = useMemo(() => sorted(assets ?? []), [assets]);
  const start = planned?.start ?? null;
  const whole = planned === null ? null : planned.start + planned.site.importPowersW.length * planned.step;
  const end = whole === null || tick === null ? null : Math.min(whole, tick);
  const energies = useEnergies(site.name, start, end, STEP).data;
  const prices = usePrices(site.name, start, end, STEP).data;
  const soc = useSoc(site.name, names.stores[0], start, end);
  const [cursor, setCursor] = useState<number | null>(null);

  const times = useMemo(
    () => (start === null || end === null ? [] : Array.from({ length: Math.max(0, Math.round((end - start) / STEP)) }, (_, k) => start + k * STEP)),
    [start, end],
  );
  const shown = useMemo(() => {
    const of = (values: readonly number[] | undefined): Regular | undefined =>
      planned === null || values === undefined ? undefined : { start: planned.start, step: planned.step, values };
    const store = planned === null ? undefined : storePlan(planned, names.stores[0] ?? "");
    const past = (wanted: string[], scale = 0.001): Values => measured(times, energies, wanted, scale);
    const negated = (values: Values): Values => values.map((value) => (value === null ? null : -value));
    return {
      grid: { planned: added(onto(times, of(planned?.site.importPowersW), 0.001), onto(times, of(planned?.site.exportPowersW), -0.001)), happened: past(names.grid) },
      used: { planned: plannedPower(times, planned, names.load), happened: past(names.load) },
      solar: { planned: negated(plannedPower(times, planned, names.generation)), happened: past(names.generation, -0.001) },
      battery: { planned: plannedPower(times, planned, names.stores), happened: past(names.stores) },
      soc: { planned: ramp(times, of(store?.socRatios), 100), happened: until(times, onto(times, soc, 100), end ?? 0) },
      importPrice: onto(times, priceSeries(prices)),
      exportPrice: onto(times, prices && { start: prices.start, step: prices.step, values: prices.exported }),
    };
  }, [times, planned, energies, prices, soc, names, end]);
  const panes = useMemo<Pane[]>(() => {
    const pair = (name: string, colour: string, { planned: then, happened }: { planned: Values; happened: Values }): Line[] => [
      { name, colour, values: happened },
      { name: `${name} planned`, unnamed: true, colour, values: then, dashed: true, shape: "step" },
    ];
    const has = ({ planned: then }: { planned: Values }): boolean => then.some((value) => value !== null);
    const power = [
      ...pair("Grid", "--grid", shown.grid),
      ...(has(shown.battery) ? pair("Battery", "--battery", shown.battery) : []),
      ...(has(shown.solar) ? pair("Solar", "--pv", shown.solar) : []),
      ...(has(shown.used) ? pair("Consumption", "--load", shown.used) : []),
    ];
    const list: Pane[] = [{ title: "Power, kW", height: 190, digits: 1, lines: power }];
    if (has(shown.soc)) list.push({ title: "State of charge, %", height: 90, digits: 0, range: [0, 100], lines: pair("State of charge", "--battery", shown.soc) });
    return list;
  }, [shown]);
  const then = useMemo(() => compared({ stepHours: STEP / HOUR, ...shown }), [shown]);

  const title = start === null ? "Yesterday’s plan, and what happened" : `The plan of ${moment(start, at)}, and what happened`;
  if (found.isError) return null;
  if (found.data === null || (found.data !== undefined && plan !== undefined && times.length === 0)) {
    return (
      <Card title={title}>
        <Empty>No plan is old enough to be compared.</Empty>
      </Card>
    );
  }
  if (planned === null || times.length === 0) {
    return (
      <Card title={title}>
        <Empty>Adding up…</Empty>
      </Card>
    );
  }
  const currency = prices?.currency ?? site.currencyCode;
  const group = plan?.scope.startsWith("groups/") === true;
  return (
    <Card title={title} note={`Solid is what happened, dashed what the plan said then. ${reasons(then, (kwh) => energy(kwh, at.locale))} Later plans have followed it since.`}>
      <dl className="figures">
        {then.cost !== null && (
          <Figure name="Energy from and to the grid" note={`planned then: ${money(then.cost.planned, currency, at.locale)}${group ? ", for the group" : ""}`}>
            {money(then.cost.happened, currency, at.locale)}
          </Figure>
        )}
        {then.used !== null && (
          <Figure name="Consumption" note={`planned then: ${energy(then.used.planned, at.locale)}`}>
            {energy(then.used.happened, at.locale)}
          </Figure>
        )}
        {then.solar !== null && (
          <Figure name="Solar" note={`planned then: ${energy(then.solar.planned, at.locale)}`}>
            {energy(then.solar.happened, at.locale)}
          </Figure>
        )}
        {then.battery !== null && (
          <Figure name="Through the battery" note={`planned then: ${energy(then.battery.planned, at.locale)}`}>
            {energy(then.battery.happened, at.locale)}
          </Figure>
        )}
      </dl>
      <Chart times={times} panes={panes} now={null} at={at} cursor={cursor} onCursor={setCursor} label={`${title}, at ${siteTitle(site)}.`} />
      {cursor !== null && times[cursor] !== undefined && (
        <p className="small muted" aria-live="polite">
          {moment(times[cursor], at)}: grid {kw(shown.grid.happened[cursor], at)}, planned {kw(shown.grid.planned[cursor], at)}; battery{" "}
          {kw(shown.battery.happened[cursor], at)}, planned {kw(shown.battery.planned[cursor], at)}
        </p>
      )}
    </Card>
  );
}

/** The first plan of yesterday; where the mesh is younger, the oldest there is. */
function useOldest(scope: string | undefined, from: number | null, hour: number | null) {
  return useQuery({
    queryKey: ["oldest", scope, from, hour],
    queryFn: async ({ signal }) => {
      const asked = { parent: scope ?? "", pageSize: 1000, startRange: range(from ?? 0, (hour ?? 0) - LEAST_AGE) };
      const { plans } = await planner.listPlans(asked, { signal });
      return [...plans].reverse().find((plan) => plan.targetRange?.startTime !== undefined && toMs(plan.targetRange.startTime) >= (from ?? 0)) ?? null;
    },
    enabled: scope !== undefined && from !== null && hour !== null && from < hour - LEAST_AGE,
    placeholderData: (before) => before,
    staleTime: Infinity,
  });
}
