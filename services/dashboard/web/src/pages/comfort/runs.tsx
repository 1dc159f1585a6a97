// Work that may wait: washing, drying and the like, with when it is to be done and when it runs.

import { useQuery } from "@tanstack/react-query";
import { usage } from "../../api/transport.ts";
import { spoken } from "../../domain/words.ts";
import type { Site } from "../../gen/wattmesh/site/v1/site_pb.ts";
import { RunState, type DeferrableRun } from "../../gen/wattmesh/usage/v1/run_pb.ts";
import { clock, energy, moment, type Locale } from "../../lib/format.ts";
import { DAY, optionalMs, range } from "../../lib/time.ts";
import { useInterval } from "../../live/hooks.ts";
import { Asked, Card, Empty } from "../../parts/bits.tsx";
import { localeOf, useTitles } from "../../parts/pages.ts";

const BAD = new Set([RunState.MISSED]);

export function Runs({ site }: { site: Site }) {
  const at = localeOf(site);
  const title = useTitles(site.name);
  const tick = useInterval(60_000);
  const runs = useQuery({
    queryKey: ["runs", site.name, tick],
    queryFn: async ({ signal }) => {
      const now = tick ?? 0;
      const asked = { parent: `${site.name}/assets/-`, range: range(now - DAY, now + 2 * DAY) };
      return (await usage.listDeferrableRuns(asked, { signal })).deferrableRuns;
    },
    enabled: tick !== null,
    placeholderData: (before) => before,
    gcTime: 30_000,
  });
  return (
    <Card title="Washing and other work that may wait" flush>
      <Asked of={runs}>
        {(list) =>
          list.length === 0 ? (
            <Empty>Nothing is waiting to run.</Empty>
          ) : (
            <div className="scroll" tabIndex={0} role="region" aria-label="Work that may wait">
              <table className="phone-cards">
                <thead>
                  <tr>
                    <th scope="col">What</th>
                    <th scope="col">State</th>
                    <th scope="col">Runs</th>
                    <th scope="col">Done by</th>
                    <th scope="col" className="right">Used</th>
                  </tr>
                </thead>
                <tbody>
                  {list.map((run) => (
                    <Row key={run.name} run={run} title={title} at={at} />
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Asked>
    </Card>
  );
}

function Row({ run, title, at }: { run: DeferrableRun; title: (name: string) => string; at: Locale }) {
  const asset = run.name.split("/runs/")[0] ?? "";
  const ran = run.actualRange ?? run.plannedRange;
  const [from, to] = [optionalMs(ran?.startTime), optionalMs(ran?.endTime)];
  const by = optionalMs(run.latestEndTime);
  return (
    <tr>
      <td className="wide">
        <strong>{title(asset)}</strong> <span className="muted">{run.displayName}</span>
        {run.message !== "" && <div className="muted small">{run.message}</div>}
      </td>
      <td data-label="State">
        <span className={`tag ${BAD.has(run.state) ? "warn" : ""}`}>{spoken(RunState[run.state] ?? "")}</span>
      </td>
      <td data-label="Runs" className="nowrap">
        {from === null ? "not planned yet" : to === null ? moment(from, at) : `${moment(from, at)} – ${clock(to, at)}`}
      </td>
      <td data-label="Done by" className="nowrap">{by === null ? "–" : moment(by, at)}</td>
      <td data-label="Used" className="right nowrap">
        {run.usedEnergyWh === undefined ? "–" : energy(run.usedEnergyWh / 1000, at.locale)}
      </td>
    </tr>
  );
}
