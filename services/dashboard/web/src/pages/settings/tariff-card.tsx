// The tariff of a site: what energy costs when, and what else is charged.

import { useQuery } from "@tanstack/react-query";
import { sites } from "../../api/transport.ts";
import { whenItHolds } from "../../domain/window.ts";
import type { Site } from "../../gen/wattmesh/site/v1/site_pb.ts";
import type { Tariff } from "../../gen/wattmesh/type/v1/tariff_pb.ts";
import { money, perKwh, shortName } from "../../lib/format.ts";
import { Asked, Card } from "../../parts/bits.tsx";
import { localeOf, titleOf } from "../../parts/pages.ts";
import { EditButton, Pair } from "./bits.tsx";

export function TariffCard({ site, onEdit }: { site: Site; onEdit: (tariff: Tariff) => void }) {
  const at = localeOf(site);
  const tariff = useQuery({
    queryKey: ["tariff", site.tariff],
    queryFn: async ({ signal }) => (await sites.getTariff({ name: site.tariff }, { signal })).tariff,
  });
  const price = (value: number): string => perKwh(value, site.currencyCode, at.locale);
  return (
    <Card
      title={`Tariff: ${tariff.data === undefined ? shortName(site.tariff) : titleOf(tariff.data)}`}
      aside={tariff.data !== undefined && <EditButton of="the tariff" onClick={() => onEdit(tariff.data as Tariff)} />}
    >
      <Asked of={tariff}>
        {(found) => (
          <dl className="pairs">
            {(found?.importRates?.touPeriods ?? []).map((period, place) => (
              <Pair key={place} name={whenItHolds(period.window, at.locale) || period.displayName || "Period"}>
                {price(period.pricePerKwh)}
              </Pair>
            ))}
            {(found?.importRates?.basePerKwh ?? 0) !== 0 && <Pair name="Import">{price(found?.importRates?.basePerKwh ?? 0)}</Pair>}
            {found?.importRates?.realTime !== undefined && <Pair name="Import">dynamic</Pair>}
            {(found?.exportRates?.basePerKwh ?? 0) !== 0 && <Pair name="Export earns">{price(found?.exportRates?.basePerKwh ?? 0)}</Pair>}
            {(found?.demandCharges ?? []).map((charge) => (
              <Pair key={charge.id} name={charge.displayName || "Demand charge"}>
                {money(charge.pricePerKw, site.currencyCode, at.locale)}/kW
              </Pair>
            ))}
            {(found?.fixedCharges ?? []).map((charge, place) => (
              <Pair key={place} name={charge.displayName || "Fixed"}>
                {money(Number(charge.amount), site.currencyCode, at.locale)}
              </Pair>
            ))}
          </dl>
        )}
      </Asked>
    </Card>
  );
}
