// The last 24 hours of a site, measured.

import { useMemo, useState } from "react";
import { useAssets, useEnergies } from "../../api/queries.ts";
import type { Site } from "../../gen/wattmesh/site/v1/site_pb.ts";
import { moment } from "../../lib/format.ts";
import { DAY, MINUTE } from "../../lib/time.ts";
import { useInterval } from "../../live/hooks.ts";
import { Card } from "../../parts/bits.tsx";
import { Chart, type Line, type Pane } from "../../parts/chart.tsx";
import { localeOf, siteTitle } from "../../parts/pages.ts";
import { measured, sorted, type Values } from "../plan/data.ts";
import { kw, signed } from "../plan/readout.tsx";

const STEP = 15 * MINUTE;

export default function Today({ site }: { site: Site }) {
  const at = localeOf(site);
  const end = useInterval(STEP);
  const start = end === null ? null : end - DAY;
  const assets = useAssets(site.name).data;
  const energies = useEnergies(site.name, start, end, STEP).data;
  const [cursor, setCursor] = useState<number | null>(null);
  const times = useMemo(
    () => (start === null ? [] : Array.from({ length: DAY / STEP }, (_, k) => start + k * STEP)),
    [start],
  );
  const panes = useMemo<Pane[]>(() => {
    const names = sorted(assets ?? []);
    const of = (wanted: string[], sign: number): Values => measured(times, energies, wanted, sign);
    const lines: Line[] = [
      { name: "Consumption", colour: "--load", values: of(names.load, 0.001) },
      { name: "Solar", colour: "--pv", values: of(names.generation, -0.001), shape: "area" },
      { name: "Battery", colour: "--battery", values: of(names.stores, 0.001), shape: "step" },
      { name: "Vehicles", colour: "--ev", values: of(names.vehicles, 0.001), shape: "step" },
      { name: "Heating and cooling", colour: "--heat", values: of(names.heat, 0.001), shape: "step" },
      { name: "Washing and the like", colour: "--runs", values: of(names.runs, 0.001), shape: "step" },
      { name: "Grid", colour: "--grid", values: of(names.grid, 0.001) },
    ];
    const shown = lines.filter((line) => line.values.some((value) => value !== null));
    return [{ title: "Power, kW", height: 150, digits: 1, lines: shown }];
  }, [assets, energies, times]);
  const value = (name: string): number | null | undefined =>
    cursor === null ? null : panes[0]?.lines.find((line) => line.name === name)?.values[cursor];
  return (
    <Card title="Last 24 hours, measured" className="today">
      <Chart
        times={times}
        panes={panes}
        now={null}
        at={at}
        cursor={cursor}
        onCursor={setCursor}
        label={`Power of ${siteTitle(site)} in the last 24 hours.`}
      />
      {cursor !== null && times[cursor] !== undefined && (
        <p className="small muted" aria-live="polite">
          {moment(times[cursor], at)}: consumption {kw(value("Consumption"), at)}, solar {kw(value("Solar"), at)}, battery{" "}
          {signed(value("Battery"), ["charges", "gives"], at)}, grid {signed(value("Grid"), ["imports", "exports"], at)}
        </p>
      )}
    </Card>
  );
}
