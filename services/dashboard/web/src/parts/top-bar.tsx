import { memo, useDeferredValue, useMemo, useState } from "react";
import { useLocation } from "wouter";
import { useSites } from "../api/queries.ts";
import type { Site } from "../gen/wattmesh/site/v1/site_pb.ts";
import { store, useNow, usePicture } from "../live/hooks.ts";
import { clock, clockSeconds, day, length } from "../lib/format.ts";
import { Icon } from "./icons.tsx";
import { inOrder, localeOf, pathOf, siteTitle, usePath, useSite } from "./pages.ts";

export function TopBar() {
  return (
    <header className="top">
      <SitePicker />
      <div className="grow" />
      <MeshTime />
      <LinePill />
      <Theme />
    </header>
  );
}

function SitePicker() {
  const { data } = useSites();
  const [, go] = useLocation();
  const { page, site } = usePath();
  const of = useSite();
  const portfolio = ["now", "savings", "alerts"].includes(page);
  const chosen = site || (portfolio ? "" : (of?.name ?? ""));
  const options = useMemo(() => inOrder(data ?? []), [data]);
  // A thousand options are drawn when nothing else is to be: until then the one that is chosen.
  const drawn = useDeferredValue(options, NONE);
  if (options.length === 0 && of === undefined) return <strong>Wattmesh</strong>;
  const shown = drawn.length > 0 || of === undefined ? drawn : [of];
  return (
    <label className="pick">
      <span className="hidden">Site</span>
      <select className="select" value={chosen} onChange={(event) => go(pathOf(page, event.target.value))}>
        {portfolio && <option value="">All sites</option>}
        <Options sites={shown} />
      </select>
    </label>
  );
}

const NONE: Site[] = [];

const Options = memo(function Options({ sites }: { sites: readonly Site[] }) {
  return sites.map((each) => (
    <option key={each.name} value={each.name}>
      {siteTitle(each)}
    </option>
  ));
});

/** The mesh's time in the site's zone: a simulation says that it is one. */
function MeshTime() {
  const now = useNow();
  const at = localeOf(useSite());
  if (now === null) return null;
  const fast = store.rate !== 1;
  const title = `${at.zone}${fast ? `, a simulation: 1 s shows ${length(store.rate * 1000)}` : ""}`;
  return (
    <div className="time" title={title}>
      <strong>{fast ? clock(now, at) : clockSeconds(now, at)}</strong>
      <div className="muted small nowrap">
        {day(now, at)}
        {fast && <span> · ×{store.rate}</span>}
      </div>
    </div>
  );
}

const FEEDS: Record<string, string> = {
  readings: "Readings",
  plans: "Plans",
  commands: "Commands",
  holds: "Holds",
  events: "Device events",
  alerts: "Alerts",
};

function LinePill() {
  const line = usePicture((picture) => picture.line);
  const lostAt = usePicture((picture) => picture.lostAt);
  const why = usePicture((picture) => picture.why);
  const feeds = usePicture((picture) => picture.feeds);
  const now = useNow();
  const broken = [...feeds.values()].filter((feed) => !feed.connected);
  let [kind, text, title] = ["good", "Live", "Everything flows"];
  let since = "";
  if (line === "connecting") [kind, text, title] = ["warn", "Connecting", "The first picture is on its way"];
  if (line === "lost") {
    since = lostAt !== null && now !== null ? ` for ${length(now - lostAt)}` : "";
    [kind, text, title] = ["bad", "No connection", `${why} It is tried again by itself.`];
  } else if (broken.length > 0) {
    const names = broken.map((feed) => FEEDS[feed.feed] ?? feed.feed).join(", ");
    [kind, text, title] = ["warn", `${names} broken off`, broken[0]?.message ?? ""];
  }
  return (
    <span className={`pill ${kind}`} role="status" title={title}>
      {text}
      {/* Not read out: it grows by the second. */}
      <span aria-hidden="true">{since}</span>
    </span>
  );
}

const THEMES = ["auto", "light", "dark"] as const;
const THEME_ICONS = { auto: "auto", light: "sun", dark: "moon" };

function Theme() {
  const [theme, setTheme] = useState<(typeof THEMES)[number]>(() => {
    const set = document.documentElement.dataset.theme;
    return set === "dark" || set === "light" ? set : "auto";
  });
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "auto";
  const choose = (): void => {
    setTheme(next);
    if (next === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem("theme", next);
    } catch {
      // A browser that keeps nothing follows the system next time.
    }
  };
  return (
    <button
      type="button"
      className="button icon"
      onClick={choose}
      aria-label={`Colours: ${theme}. Change to ${next}`}
      title={`Colours: ${theme}`}
    >
      <Icon name={THEME_ICONS[theme]} />
    </button>
  );
}
