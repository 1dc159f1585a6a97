// What the same metered energy would have cost by every other tariff of the same currency.

import { useQuery } from "@tanstack/react-query";
import { analytics, sites as siteService } from "../../api/transport.ts";
import { amount } from "../../domain/savings.ts";
import { money, percent, shortName } from "../../lib/format.ts";
import { duration, range, rasterOf } from "../../lib/time.ts";
import { Bars } from "../../parts/bars.tsx";
import { Asked, Card } from "../../parts/bits.tsx";
import type { BillProps } from "./bill.tsx";

const MOST = 20;

export function Tariffs({ site, start, end, at }: BillProps) {
  const compared = useQuery({
    queryKey: ["tariff costs", site.name, start, end],
    queryFn: async ({ signal }) => {
      const { tariffs } = await siteService.listTariffs({ pageSize: 1000 }, { signal });
      const same = tariffs.filter((each) => each.currencyCode === site.currencyCode);
      const own = same.filter((each) => each.name === site.tariff);
      const asked = [...own, ...same.filter((each) => each.name !== site.tariff)].slice(0, MOST);
      const span = { range: range(start, end), resolution: duration(rasterOf(start)) };
      const names = asked.map((each) => each.name);
      const { costs } = await analytics.queryTariffCosts({ site: site.name, ...span, tariffs: names }, { signal, timeoutMs: 30_000 });
      return costs
        .map((each, place) => ({
          name: each.tariff,
          title: asked[place]?.displayName || shortName(each.tariff),
          cost: Number(each.costAmount),
          without: amount(each.withoutStorageAmount),
          covered: each.coveredRatio,
        }))
        .sort((one, other) => one.cost - other.cost);
    },
    placeholderData: (before) => before,
    staleTime: 5 * 60_000,
  });
  const told = (value: number): string => money(value, site.currencyCode, at.locale);
  return (
    <Card title="By another tariff" note="The same metered energy, billed by each tariff that is registered: devices did what they did.">
      <Asked of={compared} fades>
        {(list) => (
          <>
            <p className="lead">{inWords(list, site.tariff, told)}</p>
            <Bars
              rows={list.map((each) => ({
                name: each.name,
                title: (
                  <>
                    {each.title} {each.name === site.tariff && <span className="tag good">yours</span>}{" "}
                    {each.covered < 0.999 && <span className="tag warn">{percent(each.covered, at.locale)} of the time</span>}
                  </>
                ),
                value: each.cost,
                text: (
                  <>
                    {told(each.cost)}
                    {each.without !== null && <small className="muted">{told(each.without)} without batteries</small>}
                  </>
                ),
                colour: each.name === site.tariff ? "--accent" : "--load",
              }))}
            />
          </>
        )}
      </Asked>
    </Card>
  );
}

interface Compared {
  name: string;
  title: string;
  cost: number;
  covered: number;
}

/** The cheapest first; a tariff that does not price the same time is compared with nothing. */
function inWords(list: readonly Compared[], own: string, told: (value: number) => string): string {
  const yours = list.find((each) => each.name === own);
  if (yours === undefined) return "The site pays by no tariff that is registered.";
  const alike = list.filter((each) => Math.abs(each.covered - yours.covered) < 0.001);
  const best = alike[0];
  if (list.length < 2) return "There is no other tariff to compare with.";
  if (best === undefined || best.name === own || yours.cost - best.cost < 0.005) return "None of the others would have been cheaper.";
  return `${best.title} would have been ${told(yours.cost - best.cost)} cheaper.`;
}
