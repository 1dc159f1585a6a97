// All sites at a glance: sums first, then a line each.

import { memo, useMemo, useRef } from "react";
import { Link } from "wouter";
import { useSites } from "../../api/queries.ts";
import { FlowKind, type AllFlow, type SiteFlow } from "../../gen/wattmesh/dashboard/v1/dashboard_service_pb.ts";
import type { Site } from "../../gen/wattmesh/site/v1/site_pb.ts";
import { ago, power } from "../../lib/format.ts";
import { optionalMs } from "../../lib/time.ts";
import { store, useNow, usePicture, useShown } from "../../live/hooks.ts";
import { Card, Empty, Figure, Soc } from "../../parts/bits.tsx";
import { inOrder, pathOf, siteTitle } from "../../parts/pages.ts";
import { Actions } from "../../parts/actions.tsx";
import { HoldsInForce } from "../../parts/holds.tsx";
import { useWindow } from "../../lib/window.ts";
import { flowsOf, wattsOf, type Flow } from "./flows.ts";
import { Sentence } from "./sentence.tsx";

/** Rows beyond the screen that are told as well, so that a list that is scrolled a little stays whole. */
const SPARE = 20;
const SUMS_FRESH_MS = 8_000;
/** Of more sites a sentence each would be asked for and read by nobody. */
const MOST_SENTENCES = 40;

export function Portfolio() {
  const now = useNow(2000);
  const line = usePicture((picture) => picture.line);
  const flows = usePicture((picture) => picture.flows);
  const { data } = useSites();
  const sites = useMemo(() => inOrder(data ?? []), [data]);
  const body = useRef<HTMLTableSectionElement>(null);
  const { first, last, before, after } = useWindow(body, sites.length);
  // What is on the screen, and a screen above and below: only that is told.
  const near = sites.slice(Math.max(first - SPARE, 0), last + SPARE).map((site) => site.name);
  useShown(near, true);
  if (now === null || data === undefined) {
    return <Empty>{line === "lost" ? "No connection to the dashboard yet." : "Waiting for the first readings…"}</Empty>;
  }
  if (sites.length === 0) return <NoSites />;
  return (
    <div className="page">
      <div className="title">
        <h1>{sites.length === 1 ? siteTitle(sites[0] as Site) : `${sites.length} sites`}</h1>
        <div className="actions">
          <Actions subject="" />
        </div>
      </div>
      <HoldsInForce site="" />
      <Together now={now} />
      <Card flush>
        <div className="scroll" tabIndex={0} role="region" aria-label="Sites">
          <table className="phone-cards sites" aria-rowcount={sites.length + 1}>
            <thead>
              <tr>
                <th scope="col">Site</th>
                <th scope="col" className="right">Grid</th>
                <th scope="col" className="right">Solar</th>
                <th scope="col" className="right">Consumption</th>
                <th scope="col" className="right">Battery</th>
                <th scope="col">Charge</th>
                {sites.length <= MOST_SENTENCES && <th scope="col">What it does, and why</th>}
              </tr>
            </thead>
            <tbody ref={body}>
              {before > 0 && <Gap height={before} />}
              {sites.slice(first, last).map((site) => (
                <Row
                  key={site.name}
                  site={site}
                  flow={flows.get(site.name)}
                  now={now}
                  rate={store.rate}
                  why={sites.length <= MOST_SENTENCES}
                />
              ))}
              {after > 0 && <Gap height={after} />}
            </tbody>
          </table>
        </div>
      </Card>
    </div>
  );
}

function Together({ now }: { now: number }) {
  const sums = usePicture((picture) => picture.together);
  // Sums are told every two seconds: older ones are of a line that is broken.
  const told = optionalMs(sums?.time);
  const old = told !== null && now - told > SUMS_FRESH_MS * store.rate;
  if (sums === null) return <Card title="Together">{null}</Card>;
  const missing = sums.siteCount - sums.reportingCount;
  const aside = old ? (
    <span className="tag warn">{ago(now - (told ?? now))}</span>
  ) : missing === 0 ? (
    <>{sums.siteCount === 1 ? "it reports" : "all sites report"}</>
  ) : (
    <span className="tag warn">
      {missing} of {sums.siteCount} sites do not report
    </span>
  );
  return (
    <Card title="Together" aside={aside}>
      <dl className={`figures ${old ? "stale" : ""}`}>
        {SUMS.map((sum) => (
          <Sum key={sum.kind} {...sum} flow={sums.flows.find((flow) => flow.kind === sum.kind)} />
        ))}
      </dl>
    </Card>
  );
}

/** A mesh that has nothing yet: what to do, not an empty table. */
function NoSites() {
  return (
    <div className="page">
      <h1>No sites yet</h1>
      <p className="lead">
        As soon as a site is there, it shows here. <code>wattmesh apply site.yaml</code> brings one with its assets, devices and tariff.
      </p>
    </div>
  );
}

/** Rows that are not drawn, for they are not on the screen. */
function Gap({ height }: { height: number }) {
  return (
    <tr aria-hidden className="gap">
      <td style={{ height }} />
    </tr>
  );
}

interface SumOf {
  kind: FlowKind;
  name: string;
  opposite?: string;
  magnitude?: boolean;
}

const SUMS: readonly SumOf[] = [
  { kind: FlowKind.GRID, name: "From the grid", opposite: "To the grid" },
  { kind: FlowKind.PV, name: "Solar", magnitude: true },
  { kind: FlowKind.WIND, name: "Wind", magnitude: true },
  { kind: FlowKind.GENERATOR, name: "Generators", magnitude: true },
  { kind: FlowKind.BATTERY, name: "Batteries charge", opposite: "Batteries give" },
  { kind: FlowKind.EV, name: "Vehicles" },
  { kind: FlowKind.HEAT, name: "Heating and cooling" },
  { kind: FlowKind.LOAD, name: "Consumption" },
];

function Sum({ name, opposite, magnitude = false, flow }: SumOf & { flow: AllFlow | undefined }) {
  if (flow === undefined) return null;
  const { powerW: sum, siteCount: having, knownCount: known } = flow;
  return (
    <Figure
      name={opposite !== undefined && (sum ?? 0) < -0.5 ? opposite : name}
      note={known < having ? `without ${having - known} of ${having} sites` : undefined}
    >
      {sum === undefined ? "–" : power(magnitude || opposite !== undefined ? Math.abs(sum) : sum)}
    </Figure>
  );
}

interface RowProps {
  site: Site;
  flow: SiteFlow | undefined;
  now: number;
  rate: number;
  why: boolean;
}

const Row = memo(function Row({ site, flow, now, rate, why }: RowProps) {
  const flows = flowsOf(flow, now, rate);
  const battery = flows.find((each) => each.kind === FlowKind.BATTERY);
  const solar = wattsOf(flows, FlowKind.PV);
  return (
    <tr>
      <td className="wide">
        <Link href={pathOf("now", site.name)}>{siteTitle(site)}</Link>
      </td>
      <Watts flows={flows} kind={FlowKind.GRID} label="Grid" />
      <td className="right nowrap" data-label="Solar">
        {solar === null ? "–" : power(Math.abs(solar))}
      </td>
      <Watts flows={flows} kind={FlowKind.LOAD} label="Consumption" />
      <Watts flows={flows} kind={FlowKind.BATTERY} label="Battery" />
      <td data-label="Charge">
        {battery?.socRatio == null ? "–" : <Soc ratio={battery.socRatio} />}
      </td>
      {why && (
        <td className="wide why">
          <Sentence site={site} socRatio={battery?.socRatio ?? null} now={now} />
        </td>
      )}
    </tr>
  );
});

function Watts({ flows, kind, label }: { flows: readonly Flow[]; kind: FlowKind; label: string }) {
  const flow = flows.find((each) => each.kind === kind);
  return (
    <td className={`right nowrap ${flow !== undefined && !flow.fresh ? "stale" : ""}`} data-label={label}>
      {flow?.watts == null ? "–" : power(flow.watts)}
      {flow !== undefined && !flow.fresh && <span className="tag warn">old</span>}
    </td>
  );
}
