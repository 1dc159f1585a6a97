// All sites at a glance: sums first, then a line each.

import { memo, useMemo, useRef } from "react";
import { Link } from "wouter";
import { useSites } from "../../api/queries.ts";
import { FlowKind, type SiteFlow } from "../../gen/wattmesh/dashboard/v1/dashboard_service_pb.ts";
import type { Site } from "../../gen/wattmesh/site/v1/site_pb.ts";
import { power } from "../../lib/format.ts";
import { store, useNow, usePicture } from "../../live/hooks.ts";
import { Card, Empty, Figure, Soc } from "../../parts/bits.tsx";
import { inOrder, pathOf, siteTitle } from "../../parts/pages.ts";
import { Actions } from "../../parts/actions.tsx";
import { HoldsInForce } from "../../parts/holds.tsx";
import { useWindow } from "../../lib/window.ts";
import { flowsOf, wattsOf, type Flow } from "./flows.ts";
import { Sentence } from "./sentence.tsx";

/** Of more sites a sentence each would be asked for and read by nobody. */
const MOST_SENTENCES = 40;

export function Portfolio() {
  const now = useNow(2000);
  const { flows } = usePicture();
  const { data } = useSites();
  const sites = useMemo(() => inOrder(data ?? []), [data]);
  const body = useRef<HTMLTableSectionElement>(null);
  const { first, last, before, after } = useWindow(body, sites.length);
  // Scrolling draws rows anew, and adds up nothing.
  const all = useMemo(
    () => sites.map((site) => flowsOf(flows.get(site.name), now, store.rate)),
    [sites, flows, now],
  );
  const together = useMemo(() => <Together all={all} />, [all]);
  if (now === null || sites.length === 0) return <Empty>No sites yet.</Empty>;
  return (
    <div className="page">
      <div className="title">
        <h1>{sites.length === 1 ? siteTitle(sites[0] as Site) : `${sites.length} sites`}</h1>
        <div className="actions">
          <Actions subject="" />
        </div>
      </div>
      <HoldsInForce site="" />
      {together}
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

function Together({ all }: { all: readonly Flow[][] }) {
  return (
    <Card title="Together" aside={<Fresh all={all} />}>
      <dl className="figures">
        <Sum all={all} kind={FlowKind.GRID} name="From the grid" opposite="To the grid" />
        <Sum all={all} kind={FlowKind.PV} name="Solar" magnitude />
        <Sum all={all} kind={FlowKind.WIND} name="Wind" magnitude />
        <Sum all={all} kind={FlowKind.BATTERY} name="Batteries charge" opposite="Batteries give" />
        <Sum all={all} kind={FlowKind.EV} name="Vehicles" />
        <Sum all={all} kind={FlowKind.HEAT} name="Heating and cooling" />
        <Sum all={all} kind={FlowKind.LOAD} name="Consumption" />
      </dl>
    </Card>
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

function Fresh({ all }: { all: readonly Flow[][] }) {
  const fresh = all.filter((flows) => flows.length > 0 && flows.every((flow) => flow.fresh)).length;
  return fresh === all.length ? (
    <>all sites report</>
  ) : (
    <span className="tag warn">
      {all.length - fresh} of {all.length} sites do not report
    </span>
  );
}

interface SumProps {
  all: readonly Flow[][];
  kind: FlowKind;
  name: string;
  opposite?: string;
  magnitude?: boolean;
}

function Sum({ all, kind, name, opposite, magnitude = false }: SumProps) {
  const having = all.flatMap((flows) => flows.filter((flow) => flow.kind === kind));
  if (having.length === 0) return null;
  const known = having.filter((flow) => flow.watts !== null && flow.fresh);
  const sum = known.reduce((total, flow) => total + (flow.watts ?? 0), 0);
  const missing = having.length - known.length;
  return (
    <Figure
      name={opposite !== undefined && sum < -0.5 ? opposite : name}
      note={missing > 0 ? `without ${missing} of ${having.length} sites` : undefined}
    >
      {known.length === 0 ? "–" : power(magnitude || opposite !== undefined ? Math.abs(sum) : sum)}
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
