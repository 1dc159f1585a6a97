import { useEffect, useState, useSyncExternalStore } from "react";
import { live } from "../api/transport.ts";
import { floorTo } from "../lib/time.ts";
import { LiveStore, type Picture } from "./store.ts";

export const store = new LiveStore((site, signal) => live.watchLive({ site }, { signal }));

export function usePicture(): Picture {
  return useSyncExternalStore(store.subscribe, store.get);
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
