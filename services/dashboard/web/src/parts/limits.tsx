// What a site may draw and feed in for a time: by whose word, and who keeps it by now.

import { useLimits } from "../api/queries.ts";
import { limitTold } from "../domain/limits.ts";
import { FlowKind } from "../gen/wattmesh/dashboard/v1/dashboard_service_pb.ts";
import type { Site } from "../gen/wattmesh/site/v1/site_pb.ts";
import { clockSeconds, moment, power } from "../lib/format.ts";
import { useNow, usePicture } from "../live/hooks.ts";
import { localeOf } from "./pages.ts";

export function LimitsInForce({ site }: { site: Site }) {
  const limits = useLimits(site.name).data ?? [];
  const now = useNow();
  const flow = usePicture((picture) => picture.flows.get(site.name));
  const grid = flow?.flows.find((each) => each.kind === FlowKind.GRID)?.powerW ?? null;
  const at = localeOf(site);
  if (now === null) return null;
  const told = { now, gridW: grid, power: (watts: number) => power(watts, at.locale), clock: (ms: number) => clockSeconds(ms, at), moment: (ms: number) => moment(ms, at) };
  return (
    <>
      {limits.map((limit) => {
        const { title, rest, exceeded } = limitTold(limit, site.name, told);
        return (
          <div key={limit.name} className={exceeded ? "notice bad" : "notice"} role="status">
            <span>
              <strong>{title}</strong>
              {rest}
            </span>
          </div>
        );
      })}
    </>
  );
}
