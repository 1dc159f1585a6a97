import { useEffect, useState, useSyncExternalStore } from "react";
import { live } from "../api/transport.ts";
import { FlowScope } from "../gen/wattmesh/dashboard/v1/dashboard_service_pb.ts";
import { floorTo } from "../lib/time.ts";
import { LiveStore, type Picture } from "./store.ts";

export const store = new LiveStore(({ site, shown, together }, signal) =>
  live.watchLive({ site, flowScope: FlowScope.NAMED, flowSites: [...shown], together }, { signal }),
);

/** A part of the picture: drawn anew only when that part is another. */
export function usePicture<T>(part: (picture: Picture) => T): T {
  return useSyncExternalStore(store.subscribe, () => part(store.get()));
}

/** Have sites told as long as this is on the screen. */
export function useShown(sites: readonly string[], together = false): void {
  const key = sites.join(" ");
  useEffect(() => store.show({ sites: key === "" ? [] : key.split(" "), together }), [key, together]);
}

/** The mesh's time, drawn anew every second of the wall; null before it is known. */
export function useNow(everyMs = 1000): number | null {
  const [now, setNow] = useState(() => store.now());
  useEffect(() => {
    const look = (): void => setNow(store.now());
    const timer = setInterval(look, everyMs);
    const stop = store.subscribe(() => {
      if (store.now() !== null) setNow((before) => before ?? store.now());
    });
    return () => {
      clearInterval(timer);
      stop();
    };
  }, [everyMs]);
  return now;
}

/** The start of the running interval of a raster, by the mesh's clock; null before it is known. */
export function useInterval(step: number): number | null {
  const now = useNow();
  return now === null ? null : floorTo(now, step);
}
