"""What a person does with the pages, and what must then be seen."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from wattmesh_local.identities.sessions import session_address

MOST_JAVASCRIPT_BYTES = 250_000
PATIENCE_MS = 120_000
DESK, PHONE = (1280, 800), (390, 844)
SITE = "home-1"
PAGES = (
    *("now", f"now/{SITE}", f"plan/{SITE}", f"proof/{SITE}", f"savings/{SITE}"),
    *(f"devices/{SITE}", f"forecasts/{SITE}", f"carbon/{SITE}", f"comfort/{SITE}"),
    *("alerts", f"settings/{SITE}"),
)
SERIOUS = ("serious", "critical")
PERSON, WHY = "ada", "trying the controls"


class Desk:
    """A browser on a mesh, and what was found amiss."""

    def __init__(self, browser: Browser, mesh: dict[str, Any], screenshots: Path) -> None:
        self.browser = browser
        self.mesh = mesh
        self.screenshots = screenshots
        self.base = f"http://{mesh['web']}"
        shown = mesh["identity"]
        self.identities = None if shown is None else Path(shown).parent
        self.amiss: list[str] = []
        self.measured: dict[str, Any] = {}

    @contextmanager
    def page(
        self, size: tuple[int, int] = DESK, theme: str = "light", locale: str = "en-US"
    ) -> Iterator[Page]:
        """Give a page, whose errors are taken note of."""
        context = self.browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if theme == "dark" else "light",
            locale=locale,
            timezone_id="Pacific/Auckland",  # a reader who is elsewhere: times are the site's
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.goto(session_address(self.mesh["web"], self.identities))
        page.on("pageerror", lambda error: self.amiss.append(f"{page.url}: {error}"))
        try:
            yield page
        finally:
            context.close()

    def go(self, page: Page, path: str) -> None:
        """Open a page, and wait until it has what it shows."""
        page.goto(f"{self.base}/{path}")
        expect(page.locator("main h1")).to_be_visible(timeout=PATIENCE_MS)
        expect(page.get_by_text("Live", exact=True)).to_be_visible(timeout=PATIENCE_MS)
        expect(page.locator("[aria-busy=true]")).to_have_count(0, timeout=PATIENCE_MS)
        for text in ("Loading…", "Adding up…"):
            expect(page.get_by_text(text)).to_have_count(0, timeout=PATIENCE_MS)
        page.wait_for_timeout(800)  # a chart draws after its data


Journey = Callable[[Desk], None]


def run(
    mesh: dict[str, Any],
    chromium: str,
    screenshots: Path,
    only: str,
    further: Sequence[Journey] = (),
) -> dict[str, Any]:
    """Go every way, and `further` ones; return what was measured and what was amiss."""
    screenshots.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        desk = Desk(browser, mesh, screenshots)
        for journey in (*further, *JOURNEYS):
            name = journey.__name__
            if only not in name:
                continue
            began = time.monotonic()
            try:
                journey(desk)
            except AssertionError as error:
                desk.amiss.append(f"{name}: {str(error)[:600]}")
            except Exception as error:  # one way that is barred bars no other
                desk.amiss.append(f"{name}: {type(error).__name__} {str(error)[:600]}")
            desk.measured.setdefault("seconds", {})[name] = round(time.monotonic() - began, 1)
        browser.close()
    return {**desk.measured, "amiss": desk.amiss}


def look_at_every_page(desk: Desk) -> None:
    """Each page in four faces: whole, within the screen, and open to everybody."""
    for size, shape in ((DESK, "desk"), (PHONE, "phone")):
        for theme in ("light", "dark"):
            with desk.page(size, theme) as page:
                for path in (*PAGES, *_of_the_office(desk, page)):
                    face = f"{path.replace('/', '-')}-{shape}-{theme}"
                    desk.go(page, path)
                    page.screenshot(path=desk.screenshots / f"{face}.png", full_page=True)
                    _judge(desk, page, face)


def _of_the_office(desk: Desk, page: Page) -> tuple[str, ...]:
    """The pages on which vehicles are seen, where the mesh has an office with charge points."""
    desk.go(page, "now")
    there = page.get_by_role("option", name="Office").count() > 0
    return ("now/office", "plan/office", "comfort/office") if there else ()


def _judge(desk: Desk, page: Page, face: str) -> None:
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if wide > 0:
        desk.amiss.append(f"{face}: {wide} px wider than the screen")
    failed = page.locator("main [role=alert]").all_inner_texts()
    desk.amiss += [f"{face}: {text}" for text in failed]
    found = Axe().run(page).response["violations"]
    desk.amiss += [
        f"{face}: axe {each['id']}: {each['help']} ({each['nodes'][0]['target']})"
        for each in found
        if each["impact"] in SERIOUS
    ]
    counted = desk.measured.setdefault("axe", {"faces": 0, "serious": 0, "lesser": {}})
    counted["faces"] += 1
    for each in found:
        if each["impact"] in SERIOUS:
            counted["serious"] += 1
        else:
            counted["lesser"][each["id"]] = counted["lesser"].get(each["id"], 0) + 1


def weigh_the_first_load(desk: Desk) -> None:
    """What is loaded before the first page shows, compressed as it travels."""
    with desk.page() as page:
        desk.go(page, "now")
        weight = page.evaluate(
            "performance.getEntriesByType('resource').filter(e => e.name.endsWith('.js'))"
            ".reduce((sum, e) => sum + e.encodedBodySize, 0)"
        )
        paint = page.evaluate(
            "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
        )
    desk.measured["javascript_bytes"] = weight
    desk.measured["first_paint_ms"] = round(paint or 0)
    assert weight < MOST_JAVASCRIPT_BYTES


def hold_and_find_its_proof(desk: Desk) -> None:
    """A value that a person holds reaches the device, its proof shows, and it is released."""
    with desk.page() as page:
        desk.go(page, f"now/{SITE}")
        page.get_by_role("button", name="Hold a value").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Device").select_option(label="Battery")
        dialog.get_by_label("Value").fill("400")
        dialog.get_by_label("For how long").select_option(label="8 h")
        dialog.get_by_label("Who you are").fill(PERSON)
        dialog.get_by_label("Why").fill(WHY)
        dialog.get_by_role("button", name="Try it dry").click()
        expect(dialog.get_by_text("Nothing has changed yet.")).to_be_visible()
        page.screenshot(path=desk.screenshots / "hold-desk-light.png")
        found = Axe().run(page).response["violations"]
        assert [each["id"] for each in found if each["impact"] in SERIOUS] == []
        dialog.get_by_role("button", name="Hold it").click()
        expect(page.get_by_text(f"by {PERSON}: {WHY}")).to_be_visible(timeout=PATIENCE_MS)
        desk.go(page, f"proof/{SITE}")
        page.get_by_label("Owner").select_option(PERSON)
        proof = page.locator(".proofs li").first
        expect(proof.locator(".tick.done")).to_have_count(4, timeout=2 * PATIENCE_MS)
        proof.locator("summary").click()
        page.screenshot(path=desk.screenshots / "proof-of-a-hold-desk-light.png")
        desk.go(page, f"now/{SITE}")
        page.get_by_role("button", name="Release").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Why").fill("seen enough")
        dialog.get_by_role("button", name="Release").click()
        expect(page.get_by_text(f"by {PERSON}: {WHY}")).to_have_count(0, timeout=PATIENCE_MS)


def stop_only_when_it_is_meant(desk: Desk) -> None:
    """An emergency stop asks of what, who and why, and twice; Escape leaves everything as it is."""
    with desk.page(PHONE) as page:
        desk.go(page, "now")
        page.get_by_role("button", name="Emergency stop").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("button", name="Stop", exact=True)).to_be_disabled()
        page.screenshot(path=desk.screenshots / "stop-phone-light.png")
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)


def go_by_keyboard(desk: Desk) -> None:
    """Without a mouse: past the menu to the content, and through the hours of a plan."""
    with desk.page() as page:
        desk.go(page, f"plan/{SITE}")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()
        chart = page.get_by_role("application").first  # below it is yesterday's
        chart.focus()
        page.keyboard.press("ArrowRight")
        first = page.locator(".readout h3").first.inner_text()
        for _ in range(8):
            page.keyboard.press("ArrowRight")
        expect(page.locator(".readout h3").first).not_to_have_text(first)
        page.get_by_role("button", name="As a table").click()
        expect(page.get_by_role("region", name="The plan as a table")).to_be_visible()


def lose_the_line_and_find_it(desk: Desk) -> None:
    """A dashboard that falls silent: that is said, what was shown grows old, and it comes back."""
    with desk.page() as page:
        desk.go(page, f"now/{SITE}")
        os.kill(desk.mesh["pids"]["dashboard"], signal.SIGSTOP)
        try:
            expect(page.get_by_text("No connection")).to_be_visible(timeout=PATIENCE_MS)
            expect(page.locator(".diagram")).to_be_visible()
            # A reading counts for as long as its intervals say, and then nothing moves any more.
            expect(page.locator(".diagram .current")).to_have_count(0, timeout=2 * PATIENCE_MS)
            page.screenshot(path=desk.screenshots / "line-lost-desk-light.png")
        finally:
            os.kill(desk.mesh["pids"]["dashboard"], signal.SIGCONT)
        expect(page.get_by_text("Live", exact=True)).to_be_visible(timeout=PATIENCE_MS)


def work_out_what_was_missed(desk: Desk) -> None:
    """What perfect foresight would have saved is computed when asked for, and told in words."""
    with desk.page() as page:
        desk.go(page, f"savings/{SITE}")
        page.get_by_label("Time").select_option(label="Last 7 days")
        page.get_by_role("button", name="Work out what was missed").click()
        told = page.get_by_text("Had control known").or_(page.get_by_text("Nothing was missed"))
        expect(told).to_be_visible(timeout=2 * PATIENCE_MS)
        page.screenshot(path=desk.screenshots / "foresight-desk-light.png", full_page=True)


def let_somebody_in_and_out_again(desk: Desk) -> None:
    """A program gets a role and a key, told once; then it is removed."""
    if desk.identities is None:
        return
    with desk.page() as page:
        desk.go(page, f"settings/{SITE}")
        page.get_by_role("button", name="Add a user").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Name", exact=True).fill("Meter reader")
        dialog.get_by_label("What it is").select_option(label="program")
        dialog.get_by_label("Role").select_option(label="viewer")
        dialog.get_by_role("button", name="Add").click()
        page.get_by_role("button", name="API keys of Meter reader").click()
        dialog.get_by_label("What for").fill("reading meters")
        dialog.get_by_role("button", name="Make a key").click()
        expect(dialog.locator("code.secret")).to_contain_text("wm_")
        page.screenshot(path=desk.screenshots / "keys-desk-light.png")
        found = Axe().run(page).response["violations"]
        assert [each["id"] for each in found if each["impact"] in SERIOUS] == []
        dialog.get_by_role("button", name="Close").click()
        page.get_by_role("button", name="Remove Meter reader").click()
        dialog.get_by_role("button", name="Remove").click()
        expect(page.get_by_text("Meter reader")).to_have_count(0)


JOURNEYS: tuple[Journey, ...] = (
    weigh_the_first_load,
    look_at_every_page,
    go_by_keyboard,
    stop_only_when_it_is_meant,
    hold_and_find_its_proof,
    work_out_what_was_missed,
    let_somebody_in_and_out_again,
    lose_the_line_and_find_it,
)
