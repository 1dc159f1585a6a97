// The bill so far, line by line.

import { useQuery } from "@tanstack/react-query";
import { analytics } from "../../api/transport.ts";
import { every, spoken } from "../../domain/words.ts";
import type { Site } from "../../gen/wattmesh/site/v1/site_pb.ts";
import { ChargeCause } from "../../gen/wattmesh/type/v1/tariff_pb.ts";
import { money, number, percent, type Locale } from "../../lib/format.ts";
import { duration, range, rasterOf } from "../../lib/time.ts";
import { Asked, Card } from "../../parts/bits.tsx";

const CHARGES = every<ChargeCause, string>(ChargeCause, spoken, {
  [ChargeCause.UNSPECIFIED]: "Other",
  [ChargeCause.IMPORT_ENERGY]: "Imported energy",
  [ChargeCause.EXPORT_ENERGY]: "Exported energy",
  [ChargeCause.TIER]: "Tier",
  [ChargeCause.DEMAND]: "Demand",
  [ChargeCause.COINCIDENT_PEAK]: "Coincident peak",
  [ChargeCause.FIXED]: "Fixed",
});

export interface BillProps {
  site: Site;
  start: number;
  end: number;
  at: Locale;
}

export function Bill({ site, start, end, at }: BillProps) {
  const bills = useQuery({
    queryKey: ["bills", site.name, start, end],
    queryFn: async ({ signal }) => {
      const asked = {
        site: site.name,
        range: range(start, end),
        resolution: duration(rasterOf(start)),
        includeSubstitutes: true,
      };
      return (await analytics.queryBills(asked, { signal, timeoutMs: 30_000 })).bills;
    },
    placeholderData: (before) => before,
    staleTime: 5 * 60_000,
  });
  return (
    <Card title="The bill so far" flush>
      <Asked of={bills} fades>
        {(list) => (
          <table>
            <thead>
              <tr>
                <th scope="col">For</th>
                <th scope="col" className="right">
                  Quantity
                </th>
                <th scope="col" className="right">
                  Amount
                </th>
              </tr>
            </thead>
            <tbody>
              {list.flatMap((each) =>
                (each.bill?.lines ?? []).map((line, place) => (
                  <tr key={`${each.periodRange?.startTime?.seconds} ${place}`}>
                    <td>
                      {CHARGES[line.cause]}
                      {line.displayName !== "" && <span className="muted"> {line.displayName}</span>}
                      {line.estimatedRatio > 0 && (
                        <span className="muted"> ({percent(line.estimatedRatio)} estimated)</span>
                      )}
                    </td>
                    <td className="right nowrap">
                      {number(line.quantity, 2, at.locale)} {line.unit}
                    </td>
                    <td className="right nowrap">
                      {money(Number(line.amount), each.bill?.currencyCode ?? "", at.locale)}
                    </td>
                  </tr>
                )),
              )}
              <tr>
                <th scope="row">Total</th>
                <td />
                <td className="right">
                  <strong>
                    {money(
                      list.reduce((sum, each) => sum + Number(each.bill?.totalAmount ?? 0), 0),
                      site.currencyCode,
                      at.locale,
                    )}
                  </strong>
                </td>
              </tr>
            </tbody>
          </table>
        )}
      </Asked>
    </Card>
  );
}

