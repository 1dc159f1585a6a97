// How old what is shown is: the newest reading, plan and forecast, told plainly.

import { usePicture, useNow, store } from "../../live/hooks.ts";
import { usePlan, usePlanOf } from "../../api/queries.ts";
import { ago } from "../../lib/format.ts";
import { optionalMs } from "../../lib/time.ts";
import { flowsOf, oldest } from "./flows.ts";

export function Ages({ site }: { site: string }) {
  const now = useNow();
  const flow = usePicture((picture) => picture.flows.get(site));
  const plan = usePlanOf(site);
  const whole = usePlan(plan?.name).data;
  if (now === null) return null;
  const list = flowsOf(flow, now, store.rate);
  const reading = oldest(list);
  const stale = list.filter((flow) => !flow.fresh).length;
  const issued = optionalMs(plan?.issueTime);
  const ends = optionalMs(plan?.targetRange?.endTime);
  const sources = [...new Set(Object.values(whole?.forecastSources ?? {}))];
  return (
    <dl className="ages">
      <div>
        <dt>Readings</dt>
        <dd className={stale > 0 ? "warn" : undefined}>
          {reading === null ? "none yet" : ago(now - reading)}
          {stale > 0 && ` · ${stale} of ${list.length} too old`}
        </dd>
      </div>
      <div>
        <dt>Plan</dt>
        <dd className={ends !== null && ends < now ? "warn" : undefined}>
          {issued === null ? "none" : ago(now - issued)}
          {ends !== null && ends < now && " · it has run out"}
        </dd>
      </div>
      <div>
        <dt>Forecasts</dt>
        <dd>{sources.length === 0 ? "none" : sources.map(source).join(", ")}</dd>
      </div>
    </dl>
  );
}

/** Where a forecast comes from: `model:load/3` is the model's third version. */
export function source(name: string): string {
  const found = /^model:(.+)\/(.+)$/.exec(name);
  return found === null ? name : `${found[1]} model v${found[2]}`;
}
