import { useEffect, useState } from "react";
import { Link } from "wouter";
import { usePicture } from "../live/hooks.ts";
import { Icon } from "./icons.tsx";
import { PAGES, pathOf, usePath, type Page } from "./pages.ts";

function PageLink({ page, short }: { page: Page; short?: string }) {
  const path = usePath();
  return (
    <li>
      <Link
        href={pathOf(page.path, path.site)}
        aria-current={path.page === page.path ? "page" : undefined}
      >
        <Icon name={page.path} />
        {short ?? page.title}
        {page.path === "alerts" && <Firing />}
      </Link>
    </li>
  );
}

/** How many alerts nobody has taken on yet, silenced ones aside. */
function Firing() {
  const alerts = usePicture((picture) => picture.alerts);
  const open = [...alerts.values()].filter((alert) => alert.acknowledgement === undefined && alert.silence === "").length;
  if (open === 0) return null;
  return (
    <span className="count">
      {open}
      <span className="hidden"> not taken on</span>
    </span>
  );
}

export function SideBar() {
  return (
    <nav className="side" aria-label="Pages">
      <Link className="brand" href="/now">
        <img src="/icon.svg" alt="" />
        Wattmesh
      </Link>
      <ul>
        {PAGES.map((page) => (
          <PageLink key={page.path} page={page} />
        ))}
      </ul>
    </nav>
  );
}

const FIRST = 4;

/** What a thumb reaches: four pages, and the rest behind one more. */
export function BottomTabs() {
  const [open, setOpen] = useState(false);
  const { page, site } = usePath();
  useEffect(() => setOpen(false), [page, site]);
  const rest = PAGES.slice(FIRST);
  return (
    <nav className="bottom" aria-label="Pages at the bottom">
      <ul className="more" id="more" hidden={!open}>
        {rest.map((each) => (
          <PageLink key={each.path} page={each} />
        ))}
      </ul>
      <ul className="tabs">
        {PAGES.slice(0, FIRST).map((each) => (
          <PageLink key={each.path} page={each} />
        ))}
        <li>
          <button
            type="button"
            aria-expanded={open}
            aria-controls="more"
            onClick={() => setOpen(!open)}
            aria-current={rest.some((each) => each.path === page) ? "page" : undefined}
          >
            <Icon name="more" />
            More
          </button>
        </li>
      </ul>
    </nav>
  );
}
