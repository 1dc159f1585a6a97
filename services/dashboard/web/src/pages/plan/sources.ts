// What the chart of a plan asks of metering, forecast and carbon.

import { useQuery } from "@tanstack/react-query";
import { useDevices } from "../../api/queries.ts";
import { carbon, forecast, metering } from "../../api/transport.ts";
import { Aggregation } from "../../gen/wattmesh/metering/v1/metering_pb.ts";
import { MeterRole } from "../../gen/wattmesh/site/v1/device_pb.ts";
import { DAY, duration, HOUR, MINUTE, range } from "../../lib/time.ts";
import type { Regular } from "./data.ts";

export const STEP = 15 * MINUTE;

/** The measured state of charge of a store. */
export function useSoc(site: string, store: string | undefined, start: number | null, end: number | null): Regular | undefined {
  const devices = useDevices(site).data;
  const device = devices?.find((each) => each.functions.some((one) => one.asset === store && one.meterRole === MeterRole.MAIN));
  const point = device?.points.find((each) => each.name.endsWith("/soc_ratio"))?.name;
  const { data } = useQuery({
    queryKey: ["soc", point, start, end],
    queryFn: async ({ signal }) => {
      const asked = {
        point: point ?? "",
        range: range(start ?? 0, end ?? 0),
        resolution: duration(STEP),
        aggregation: Aggregation.LAST,
      };
      const answer = await metering.querySeries(asked, { signal });
      return { start: start ?? 0, step: STEP, values: answer.series?.values ?? [] };
    },
    enabled: point !== undefined && start !== null && end !== null,
    placeholderData: (before) => before,
  });
  return data;
}

/** The newest forecast of an asset that was issued before a plan began. */
export function useForecast(asset: string | undefined, key: number | undefined) {
  const { data } = useQuery({
    queryKey: ["forecast", asset, key],
    queryFn: async ({ signal }) =>
      (await forecast.listForecasts({ parent: asset ?? "", pageSize: 1 }, { signal })).forecasts[0] ?? null,
    enabled: asset !== undefined,
    placeholderData: (before) => before,
    staleTime: 60_000,
  });
  return data ?? undefined;
}

/** Measured intensities, and from then on their forecast. */
export function useIntensities(zone: string, start: number | null, hour: number | null, end: number | null): Regular | undefined {
  const { data } = useQuery({
    queryKey: ["intensities", zone, start, end],
    queryFn: async ({ signal }) => {
      const resolution = duration(HOUR);
      const past = { zone, range: range(start ?? 0, hour ?? 0), resolution };
      const future = { zone, range: range(hour ?? 0, Math.min(end ?? 0, (hour ?? 0) + 2 * DAY)), resolution };
      const [before, after] = await Promise.all([
        carbon.queryAverageIntensity(past, { signal }),
        carbon.forecastAverageIntensity(future, { signal }).catch(() => null),
      ]);
      return {
        start: start ?? 0,
        step: HOUR,
        values: [
          ...(before.intensity?.averageGco2ePerKwh?.values ?? []),
          ...(after?.intensity?.averageGco2ePerKwh?.values ?? []),
        ],
      };
    },
    enabled: zone !== "" && start !== null && hour !== null && end !== null,
    placeholderData: (before) => before,
  });
  return data;
}
