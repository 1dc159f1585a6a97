"""What is read: by a screen reader, and by people who write numbers and dates otherwise."""

import re
from collections import Counter

from playwright.sync_api import Page, expect

from tests.browser.journeys import PAGES, SITE, Desk

NAMELESS = re.compile(r"^\s*- (button|link|combobox|textbox|checkbox|img|application|region):?$")
LANDMARKS = {"main": 1, "banner": 1, "navigation": 1}
GERMAN = re.compile(r"\d,\d{2}\s(?:kW|kWh|\$)")
AMERICAN = re.compile(r"\d\.\d{2}\s(?:kW|kWh)")


def hear_every_page(desk: Desk) -> None:
    """Landmarks, one heading that says what the page is, and nothing that has no name.

    By the accessibility tree, as the browser gives it to screen readers.
    """
    with desk.page() as page:
        for path in PAGES:
            desk.go(page, path)
            tree = page.locator("body").aria_snapshot().splitlines()
            roles = Counter(match[1] for line in tree if (match := re.match(r"\s*- (\w+)", line)))
            for role, count in LANDMARKS.items():
                if roles[role] != count:
                    desk.amiss.append(f"{path}: {roles[role]} of the landmark {role}")
            heads = [line for line in tree if "heading" in line and "[level=1]" in line]
            if len(heads) != 1:
                desk.amiss.append(f"{path}: {len(heads)} headings of the first level")
            desk.amiss += [
                f"{path}: {line.strip()} has no name" for line in tree if NAMELESS.match(line)
            ]
            _hear_its_charts(desk, page, path, roles["application"])


def _hear_its_charts(desk: Desk, page: Page, path: str, charts: int) -> None:
    """Each picture over time is there as a table, too, with its times and what they are of."""
    main = page.locator("main")
    tables = main.locator("summary", has_text="As a table")
    buttons = main.get_by_role("button", name="As a table")
    if tables.count() + buttons.count() < charts:
        desk.amiss.append(f"{path}: {charts} charts, not all of them as tables")
    if tables.count() > 0:
        tables.first.click()
        table = main.get_by_role("region", name="As a table").first
        expect(table.get_by_role("columnheader").first).to_have_text("Time")
        expect(table.get_by_role("rowheader").first).to_be_visible()


def hear_only_what_is_new(desk: Desk) -> None:
    """What changes by the second is in no live region: it would be read out for ever."""
    with desk.page() as page:
        for path in ("now", f"now/{SITE}", f"plan/{SITE}"):
            desk.go(page, path)
            regions = "[role=status], [aria-live=polite], [aria-live=assertive]"
            page.evaluate(
                """(regions) => {
                    window.said = [];
                    const text = (each) => each.target.parentElement?.closest(regions)?.textContent;
                    const seen = new MutationObserver((all) => window.said.push(...all.map(text)));
                    const what = { childList: true, characterData: true, subtree: true };
                    for (const each of document.querySelectorAll(regions)) seen.observe(each, what);
                }""",
                regions,
            )
            page.wait_for_timeout(4000)
            said = page.evaluate("window.said.filter((each) => each != null)")
            if len(said) > 3:  # at this rate there is a new plan every few seconds
                desk.amiss.append(f"{path}: {len(said)} times read out in 4 s: {said[:3]}")


def read_as_it_is_written_there(desk: Desk) -> None:
    """Numbers, money and dates by the reader's locale; times of the site's zone for both."""
    hours = {}
    for locale, wanted, other in (("de-DE", GERMAN, AMERICAN), ("en-US", AMERICAN, GERMAN)):
        with desk.page(locale=locale) as page:
            for path in (f"savings/{SITE}", f"now/{SITE}", f"proof/{SITE}"):
                desk.go(page, path)
                text = page.locator("main").inner_text().replace("\u00a0", " ")
                assert wanted.search(text), f"{path} in {locale}: {text[:300]}"
                found = other.search(text)
                assert found is None, f"{path} in {locale}: {found and found[0]}"
            hours[locale] = page.locator(".time strong").inner_text()
            page.screenshot(path=desk.screenshots / f"proof-{locale}.png")
    assert re.fullmatch(r"\d\d:\d\d", hours["de-DE"]), hours
    assert re.fullmatch(r"\d{1,2}:\d\d\s[AP]M", hours["en-US"]), hours


JOURNEYS = (hear_every_page, hear_only_what_is_new, read_as_it_is_written_there)
