// The frame around every page, and which page a path means: `/plan/home-1`.

import { lazy, Suspense, useEffect, useRef } from "react";
import { Redirect, Route, Switch, useLocation } from "wouter";
import { store, useShown } from "./live/hooks.ts";
import { Now } from "./pages/now.tsx";
import { ErrorEdge } from "./parts/error-edge.tsx";
import { BottomTabs, SideBar } from "./parts/navigation.tsx";
import { PAGES, usePath, useSite } from "./parts/pages.ts";
import { TopBar } from "./parts/top-bar.tsx";

const pages = {
  plan: lazy(() => import("./pages/plan.tsx")),
  proof: lazy(() => import("./pages/proof.tsx")),
  savings: lazy(() => import("./pages/savings.tsx")),
  devices: lazy(() => import("./pages/devices.tsx")),
  forecasts: lazy(() => import("./pages/forecasts.tsx")),
  carbon: lazy(() => import("./pages/carbon.tsx")),
  comfort: lazy(() => import("./pages/comfort.tsx")),
  alerts: lazy(() => import("./pages/alerts.tsx")),
  settings: lazy(() => import("./pages/settings.tsx")),
};

export function App() {
  const { page, site } = usePath();
  const [location] = useLocation();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  const shown = useSite()?.name;
  useShown(shown === undefined ? [] : [shown]);
  useEffect(() => store.follow(site), [site]);
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
                {Object.entries(pages).map(([path, component]) => (
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
