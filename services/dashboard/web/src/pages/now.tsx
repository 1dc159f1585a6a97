// What happens at this moment: of one site as a picture of flows, of all sites at a glance.

import { usePath } from "../parts/pages.ts";
import { usePicture } from "../live/hooks.ts";
import { Portfolio } from "./now/portfolio.tsx";
import { SiteNow } from "./now/site-now.tsx";

export function Now() {
  const { site } = usePath();
  const { flows, line } = usePicture();
  if (flows.size === 0) {
    return (
      <p className="empty">
        {line === "lost" ? "No connection to the dashboard yet." : "Waiting for the first readings…"}
      </p>
    );
  }
  return site === "" ? <Portfolio /> : <SiteNow name={site} />;
}
