// Rooms and tanks: how warm they are, who is there, and how warm they are to be.

import { useQuery } from "@tanstack/react-query";
import { useDevices, useHoldingPlan, usePlan } from "../../api/queries.ts";
import { metering, usage } from "../../api/transport.ts";
import { bandOf, occupancyAt, occupiedBand, temperatureOf } from "../../domain/comfort.ts";
import type { Asset } from "../../gen/wattmesh/site/v1/asset_pb.ts";
import type { Site } from "../../gen/wattmesh/site/v1/site_pb.ts";
import { ago, clock, number, percent, shortName } from "../../lib/format.ts";
import { HOUR, range, toMs } from "../../lib/time.ts";
import { useInterval, useNow } from "../../live/hooks.ts";
import { Card } from "../../parts/bits.tsx";
import { localeOf } from "../../parts/pages.ts";
import { plannedOf } from "../plan/data.ts";

export function Zones({ site, zones }: { site: Site; zones: readonly Asset[] }) {
  const at = localeOf(site);
  const now = useNow();
  const tick = useInterval(60_000);
  const head = useHoldingPlan(site.name);
  const plan = usePlan(head?.name).data;
  const planned = plannedOf(plan, site.name);
  const devices = useDevices(site.name).data ?? [];
  const readings = useQuery({
    queryKey: ["temperatures", site.name, tick],
    queryFn: async ({ signal }) => (await metering.getLatestReadings({ points: [`${site.name}/devices/-/points/-`] }, { signal })).readings,
    placeholderData: (before) => before,
    gcTime: 30_000,
  });
  const people = useQuery({
    queryKey: ["occupancies", site.name, tick],
    queryFn: async ({ signal }) => {
      const asked = { parent: `${site.name}/assets/-`, range: range(tick ?? 0, (tick ?? 0) + HOUR) };
      return (await usage.listOccupancies(asked, { signal })).occupancies;
    },
    enabled: tick !== null,
    placeholderData: (before) => before,
    gcTime: 30_000,
  });
  return (
    <div className="cards">
      {zones.map((zone) => {
        const band = bandOf(zone);
        const own = planned?.site.assets.find((each) => each.assetName === zone.name);
        const ends = own?.temperaturesCelsius.at(-1);
        const end = planned === null ? null : planned.start + (own?.powersW.length ?? 0) * planned.step;
        const reading = temperatureOf(zone.name, devices, readings.data ?? []);
        const there = occupancyAt(people.data ?? [], zone.name, now);
        const parts = [
          reading?.measureTime !== undefined && now !== null ? ago(now - toMs(reading.measureTime)) : "no reading",
          there === null ? null : there < 0.05 ? "nobody is there" : `${percent(there)} of the usual people are there`,
          band === null ? null : `${occupiedBand(zone)} ${number(band.low, 1)} to ${number(band.high, 1)} °C`,
          ends === undefined || end === null ? null : `planned to be at ${number(ends, 1)} °C by ${clock(end, at)}`,
        ];
        return (
          <Card key={zone.name} title={zone.displayName || shortName(zone.name)}>
            <p className="lead">{reading?.value === undefined ? "–" : `${number(reading.value, 1)} °C`}</p>
            <p className="muted small">{parts.filter((part) => part !== null).join(" · ")}</p>
          </Card>
        );
      })}
    </div>
  );
}
