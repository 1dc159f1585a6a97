// What happens at this moment: of one site as a picture of flows, of all sites at a glance.

import { usePath } from "../parts/pages.ts";
import { Portfolio } from "./now/portfolio.tsx";
import { SiteNow } from "./now/site-now.tsx";

export function Now() {
  const { site } = usePath();
  return site === "" ? <Portfolio /> : <SiteNow key={site} name={site} />;
}
