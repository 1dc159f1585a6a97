// One sentence that says what a site's battery does and why.

import { useMemo } from "react";
import { useAssets, useExplanation, useHoldingPlan, usePlan, usePlanOf, usePrices } from "../../api/queries.ts";
import { REASONS } from "../../domain/words.ts";
import { sentence, type StorePlan } from "../../domain/why.ts";
import { ReasonCode } from "../../gen/wattmesh/optimizer/v1/plan_pb.ts";
import type { Site } from "../../gen/wattmesh/site/v1/site_pb.ts";
import { toMs } from "../../lib/time.ts";
import { localeOf } from "../../parts/pages.ts";

const BOUGHT = new Set([ReasonCode.BUY_CHEAP, ReasonCode.NEGATIVE_PRICE, ReasonCode.LOW_CARBON]);

/** How a store is when an interval begins: why it rests, but never why it acts. */
const STANDS = new Set([
  ReasonCode.IDLE_NO_GAIN,
  ReasonCode.NOT_AVAILABLE,
  ReasonCode.FULL,
  ReasonCode.EMPTY,
]);

function told(code: ReasonCode, watts: number): string {
  return Math.abs(watts) >= 1 && STANDS.has(code) ? "" : REASONS[code];
}

/** What the site's first battery is planned to do, with prices; null while that is not known. */
export function useStorePlan(site: Site, socRatio: number | null): StorePlan | null {
  const head = useHoldingPlan(site.name);
  const plan = usePlan(head?.name).data;
  const explanation = useExplanation(plan).data;
  const assets = useAssets(site.name).data;
  const start = plan?.targetRange?.startTime ? toMs(plan.targetRange.startTime) : null;
  const step = plan?.resolution ? toMs(plan.resolution) : 3_600_000;
  const count = plan?.solution?.horizon?.count ?? 0;
  const prices = usePrices(site.name, start, start === null ? null : start + count * step, step).data;
  return useMemo(() => {
    const own = plan?.solution?.sites.find((each) => each.siteName === site.name);
    const store = own?.assets.find((each) => each.socRatios.length > 0);
    if (start === null || store === undefined || prices === undefined) return null;
    const kind = assets?.find((asset) => asset.name === store.assetName)?.kind;
    const rating = kind?.case === "battery" ? kind.value : undefined;
    const codes = explanation?.assets.find((each) => each.assetName === store.assetName)?.reasons;
    const usable =
      rating === undefined || socRatio === null
        ? null
        : ((socRatio - (rating.minSocRatio ?? 0)) * rating.capacityWh) / 1000;
    return {
      start,
      step,
      powersW: store.powersW,
      prices: prices.imported,
      currency: prices.currency,
      reasons: (codes ?? []).map((code, place) => told(code, store.powersW[place] ?? 0)),
      bought: (codes ?? []).map((code) => BOUGHT.has(code)),
      usableKwh: usable,
    };
  }, [plan, explanation, assets, prices, site.name, socRatio, start, step]);
}

interface SentenceProps {
  site: Site;
  socRatio: number | null;
  now: number;
}

export function Sentence({ site, socRatio, now }: SentenceProps) {
  const plan = useStorePlan(site, socRatio);
  const head = usePlanOf(site.name);
  if (plan === null) {
    return <>{head === undefined ? "There is no plan yet." : "The plan is on its way…"}</>;
  }
  return <>{sentence(plan, now, localeOf(site))}</>;
}
