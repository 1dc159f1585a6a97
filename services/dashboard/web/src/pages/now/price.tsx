import { usePrices } from "../../api/queries.ts";
import type { Site } from "../../gen/wattmesh/site/v1/site_pb.ts";
import { perKwh } from "../../lib/format.ts";
import { HOUR } from "../../lib/time.ts";
import { useInterval } from "../../live/hooks.ts";

/** What a kWh costs in the running hour. */
export function NowPrice({ site }: { site: Site }) {
  const hour = useInterval(HOUR);
  const { data } = usePrices(site.name, hour, hour === null ? null : hour + HOUR, HOUR);
  const price = data?.start === hour ? data?.imported[0] : undefined;
  if (data === undefined || price === undefined || !Number.isFinite(price)) return null;
  return <>{perKwh(price, data.currency)} now</>;
}
