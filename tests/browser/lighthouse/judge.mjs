// Judges pages by Lighthouse, in one browser: prints scores and what costs them, a line of JSON a page.

import { launch } from "chrome-launcher";
import lighthouse from "lighthouse";

const CATEGORIES = ["accessibility", "best-practices"];
const [chromePath, ...addresses] = process.argv.slice(2);

const chrome = await launch({ chromePath, chromeFlags: ["--headless=new", "--no-sandbox"] });
try {
  for (const address of addresses) {
    const { lhr } = await lighthouse(address, {
      port: chrome.port,
      onlyCategories: CATEGORIES,
      disableStorageReset: true,
      throttlingMethod: "provided",
      // The live stream never ends: no page of ours is ever idle.
      maxWaitForLoad: 20_000,
      logLevel: "error",
    });
    const amiss = Object.values(lhr.audits).filter((audit) => audit.score !== null && audit.score < 1);
    const of = (id) => lhr.categories[id].auditRefs.filter((ref) => ref.weight > 0).map((ref) => ref.id);
    const counted = new Set(CATEGORIES.flatMap(of));
    console.log(
      JSON.stringify({
        page: new URL(address).pathname,
        scores: Object.fromEntries(CATEGORIES.map((id) => [id, Math.round(lhr.categories[id].score * 100)])),
        amiss: amiss.filter((audit) => counted.has(audit.id)).map((audit) => ({
          id: audit.id,
          title: audit.title,
          where: (audit.details?.items ?? []).slice(0, 5).map((item) => item.node?.snippet ?? item.description ?? item.source ?? ""),
        })),
        error: lhr.runtimeError?.message ?? null,
      }),
    );
  }
} finally {
  chrome.kill();
}
