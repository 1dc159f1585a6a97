import { lazy, Suspense } from "react";
import { usePlanOf, useSiteNamed } from "../../api/queries.ts";
import { degradationsOf } from "../../domain/degradations.ts";
import { after, degradation, KINDS } from "../../domain/words.ts";
import { FlowKind } from "../../gen/wattmesh/dashboard/v1/dashboard_service_pb.ts";
import type { Site } from "../../gen/wattmesh/site/v1/site_pb.ts";
import { ago, percent, power, shortName } from "../../lib/format.ts";
import { store, useNow, usePicture } from "../../live/hooks.ts";
import { Actions } from "../../parts/actions.tsx";
import { Card, Empty } from "../../parts/bits.tsx";
import { HoldsInForce } from "../../parts/holds.tsx";
import { LimitsInForce } from "../../parts/limits.tsx";
import { siteTitle, useTitles } from "../../parts/pages.ts";
import { Ages } from "./ages.tsx";
import { Diagram } from "./diagram.tsx";
import { COLOURS, doing, flowsOf } from "./flows.ts";
import { NowPrice } from "./price.tsx";
import { Sentence } from "./sentence.tsx";

/** The chart comes apart: the picture does not wait for it. */
export const loadToday = () => import("./today.tsx");
const Today = lazy(loadToday);

export function SiteNow({ name }: { name: string }) {
  const site = useSiteNamed(name).data;
  if (site === undefined) return <Empty>Loading…</Empty>;
  if (site === null) return <Empty>There is no site {shortName(name)}.</Empty>;
  return (
    <div className="page">
      <div className="title">
        <h1>{siteTitle(site)}</h1>
        <div className="actions">
          <Actions subject={name} />
        </div>
      </div>
      <HoldsInForce site={name} />
      <LimitsInForce site={site} />
      <Flowing site={site} />
    </div>
  );
}

function Flowing({ site }: { site: Site }) {
  const name = site.name;
  const title = useTitles(name);
  const now = useNow();
  const line = usePicture((picture) => picture.line);
  const flow = usePicture((picture) => picture.flows.get(name));
  const plan = usePlanOf(name);
  if (now === null || flow === undefined) {
    return <Empty>{line === "lost" ? "No connection to the dashboard yet." : "Waiting for the first readings…"}</Empty>;
  }
  if (flow.flows.length === 0) return <Empty>Nothing is metered at this site yet: it has no assets.</Empty>;
  const list = flowsOf(flow, now, store.rate);
  const lacking = degradationsOf(plan, name);
  const battery = list.find((each) => each.kind === FlowKind.BATTERY);
  return (
    <>
      <p className="lead" aria-live="polite">
        <Sentence site={site} socRatio={battery?.socRatio ?? null} now={now} />
      </p>
      <div className="columns">
        <div className="stack">
          <Card className="flow-card">
            <Diagram flows={list} title={`What flows at ${siteTitle(site)}`} />
          </Card>
          <Suspense fallback={<Card className="today">{null}</Card>}>
            <Today site={site} />
          </Suspense>
        </div>
        <div className="stack">
          <Card title="Now" aside={<NowPrice site={site} />}>
            <ul className="flows">
              {list.map((flow) => (
                <li key={flow.kind} className={flow.fresh ? undefined : "stale"}>
                  <i className="dot" style={{ background: COLOURS[flow.kind] }} />
                  <span>
                    {KINDS[flow.kind]}
                    <small className="muted">
                      {" "}
                      {flow.watts === null ? "not known" : doing(flow.kind, flow.watts)}
                      {flow.socRatio !== null && `, ${percent(flow.socRatio)} full`}
                    </small>
                  </span>
                  <strong>{flow.watts === null ? "–" : power(Math.abs(flow.watts))}</strong>
                  <small className={flow.fresh ? "muted" : "old"}>
                    {flow.measured === null ? "no reading" : ago(now - flow.measured)}
                  </small>
                </li>
              ))}
            </ul>
          </Card>
          <Card title="How old this is">
            <Ages site={name} />
          </Card>
          {lacking.length > 0 && (
            <Card title="What the plan had to do without">
              <ul className="lines">
                {lacking.map((each, place) => (
                  <li key={place}>
                    <strong>{title(each.subject)}</strong>:{" "}
                    {after(each.subject, each.message) || degradation(each.topic, each.reason, each.remedy)}
                  </li>
                ))}
              </ul>
            </Card>
          )}
        </div>
      </div>
    </>
  );
}
