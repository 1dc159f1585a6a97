// The frame around every page, and which page a path means: `/plan/home-1`.

import { lazy, Suspense, useEffect, useRef } from "react";
import { Redirect, Route, Switch, useLocation } from "wouter";
import { store, useShown } from "./live/hooks.ts";
import { Now } from "./pages/now.tsx";
import { loadToday } from "./pages/now/site-now.tsx";
import { ErrorEdge } from "./parts/error-edge.tsx";
import { BottomTabs, SideBar } from "./parts/navigation.tsx";
import { PAGES, partsOf, usePath, useSite } from "./parts/pages.ts";
import { TopBar } from "./parts/top-bar.tsx";

/** What every page but the first is loaded by. */
const LOADS = {
  plan: () => import("./pages/plan.tsx"),
  proof: () => import("./pages/proof.tsx"),
  savings: () => import("./pages/savings.tsx"),
  devices: () => import("./pages/devices.tsx"),
  forecasts: () => import("./pages/forecasts.tsx"),
  carbon: () => import("./pages/carbon.tsx"),
  comfort: () => import("./pages/comfort.tsx"),
  alerts: () => import("./pages/alerts.tsx"),
  settings: () => import("./pages/settings.tsx"),
};
const pages = Object.entries(LOADS).map(([path, load]) => [path, lazy(load)] as const);

/**
 * Ask for what the page of a path needs in any case: a slow machine draws meanwhile. Returns what
 * ends that, for when the page that is drawn asks itself.
 */
export function askAhead(path: string): () => void {
  const { page, site } = partsOf(path);
  const shown = store.show({ sites: site === "" ? [] : [site], together: page === "now" && site === "" });
  store.follow(site);
  const load = page === "now" ? site !== "" && loadToday : LOADS[page as keyof typeof LOADS];
  // What does not come is asked for again, and said, where it is drawn.
  if (load) load().catch(() => undefined);
  return shown;
}

export function App({ onDrawn }: { onDrawn: () => void }) {
  const { page, site } = usePath();
  const [location] = useLocation();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  const shown = useSite()?.name;
  useShown(shown === undefined ? [] : [shown]);
  useEffect(() => store.follow(site), [site]);
  useEffect(onDrawn, [onDrawn]);
  useEffect(() => () => store.stop(), []);
  const title = PAGES.find((each) => each.path === page)?.title ?? "Now";
  useEffect(() => {
    document.title = `${title} · Wattmesh`;
    // Whoever goes by keyboard or hears the page begins at the new page's start.
    if (!first.current) main.current?.focus({ preventScroll: true });
    first.current = false;
    window.scrollTo(0, 0);
  }, [location, title]);
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to content
      </a>
      <SideBar />
      <div>
        <TopBar />
        <main id="main" tabIndex={-1} ref={main} aria-label={title}>
          <ErrorEdge key={location}>
            <Suspense fallback={<p className="empty">Loading…</p>}>
              <Switch>
                <Route path="/">
                  <Redirect to="/now" replace />
                </Route>
                <Route path="/now/:site?" component={Now} />
                {pages.map(([path, component]) => (
                  <Route key={path} path={`/${path}/:site?`} component={component} />
                ))}
                <Route>
                  <p className="empty">There is no such page.</p>
                </Route>
              </Switch>
            </Suspense>
          </ErrorEdge>
        </main>
      </div>
      <BottomTabs />
    </div>
  );
}
