"""The terminal view: what is seen is asked for every second, and stays where one has scrolled."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.events import Resize
from textual.widgets import DataTable, Footer, Static, TabbedContent, TabPane

from wattmesh.alert.v1 import alert_pb2
from wattmesh_kernel.errors import WattmeshError
from wattmesh_local.terminal import tables
from wattmesh_local.terminal.tables import Columns, Rows
from wattmesh_local.watching.cells import UTF8, Glyphs, or_dash, total_kw
from wattmesh_local.watching.live_view import Picture

REFRESH_SECONDS = 1.0
TABS = (
    ("sites", "Sites"),
    ("plans", "Plans"),
    ("vehicles", "Vehicles"),
    ("savings", "Savings"),
    ("alerts", "Alerts"),
    ("processes", "Processes"),
)

EMPTY = {
    "sites": "There is no site yet: wattmesh site apply FILE",
    "plans": "Nothing is planned yet.",
    "vehicles": "No vehicle is plugged in.",
    "savings": "Nothing can be said before the first hour is over.",
    "alerts": "Nothing is the matter.",
    "processes": "Nothing is known of processes.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What there is to see at one moment."""

    picture: Picture
    alerts: Sequence[alert_pb2.Alert] | None = ()
    """Those that are not over; None: nobody says."""


Look = Callable[[], Awaitable[Seen]]


class Table(DataTable[Any]):
    """A table whose rows change where they stand: the cursor stays, and what is scrolled."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("home", "scroll_top", show=False),
        Binding("end", "scroll_bottom", show=False),
        Binding("k", "cursor_up", show=False),
        Binding("j", "cursor_down", show=False),
    ]
    shown: Columns | None = None
    widths: tuple[int, ...] = ()

    def show(self, columns: Columns, rows: Rows) -> None:
        """Show other contents; columns are as wide as what stands in them."""
        wanted = dict(rows)
        widths = _widths(columns, wanted)
        there = [str(key.value) for key in self.rows]
        if (self.shown, there) != (columns, [*wanted]) or _wider(widths, self.widths):
            self._rebuild(columns, widths, wanted)
            return
        for key, cells in wanted.items():
            for place, cell in enumerate(cells):
                if self.get_cell(key, str(place)) != cell:
                    self.update_cell(key, str(place), cell)

    def _rebuild(
        self, columns: Columns, widths: tuple[int, ...], wanted: dict[str, tuple[Text, ...]]
    ) -> None:
        row, top = self.cursor_row, self.scroll_offset.y
        self.clear(columns=True)
        for place, (head, width) in enumerate(zip(columns.heads, widths, strict=True)):
            self.add_column(head, key=str(place), width=width)
        for key, cells in wanted.items():
            self.add_row(*cells, key=key)
        self.shown, self.widths = columns, widths
        self.move_cursor(row=min(row, max(len(wanted) - 1, 0)), scroll=False)
        self.scroll_to(y=top, animate=False)


def _widths(columns: Columns, rows: dict[str, tuple[Text, ...]]) -> tuple[int, ...]:
    """Return how wide each column has to be."""
    every = [tuple(map(cell_len, columns.heads))]
    every += [tuple(cell.cell_len for cell in cells) for cells in rows.values()]
    return tuple(map(max, zip(*every, strict=True)))


def _wider(wanted: tuple[int, ...], there: tuple[int, ...]) -> bool:
    return any(one > other for one, other in zip(wanted, there, strict=True))


class MeshApp(App[None]):
    """The tabs of a mesh."""

    CSS = """
    Screen { layers: base; }
    #head { height: 1; background: $primary-background; color: $text; padding: 0 1; }
    #now { height: 1; padding: 0 1; }
    #trouble { height: auto; max-height: 2; padding: 0 1; color: $warning; display: none; }
    TabbedContent { height: 1fr; }
    TabPane { padding: 0; }
    Table { height: 1fr; }
    .empty { padding: 1; color: $text-muted; display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "Quit"),
        *(Binding(str(n), f"tab('{tab}')", title) for n, (tab, title) in enumerate(TABS, 1)),
    ]
    ENABLE_COMMAND_PALETTE = False
    TITLE = "Wattmesh"

    def __init__(
        self, look: Look, glyphs: Glyphs = UTF8, refresh_seconds: float = REFRESH_SECONDS
    ) -> None:
        super().__init__()
        self._look = look
        self._refresh_seconds = refresh_seconds
        self._glyphs = glyphs
        self._seen: Seen | None = None
        self._heard = time.monotonic()

    def compose(self) -> ComposeResult:
        """Give the parts, from above."""
        yield Static("Wattmesh", id="head")
        yield Static("Looking …", id="now")
        yield Static(id="trouble")
        with TabbedContent():
            for tab, title in TABS:
                with TabPane(title, id=tab):
                    yield Table(id=f"{tab}-table", cursor_type="row", zebra_stripes=True)
                    yield Static(id=f"{tab}-empty", classes="empty")
        yield Footer()

    def on_mount(self) -> None:
        """Begin to look."""
        self.animation_level = "none"  # a line over a slow link is drawn once
        self.query_one("#sites-table", Table).focus()
        self.run_worker(self._follow(), exclusive=True)

    def on_resize(self, event: Resize) -> None:
        """Fit what is seen into another size."""
        self._draw()

    def on_tabbed_content_tab_activated(self) -> None:
        """Draw what is seen from now on."""
        self._draw()

    def action_tab(self, tab: str) -> None:
        """Go to a tab."""
        self.query_one(TabbedContent).active = tab
        self.query_one(f"#{tab}-table", Table).focus()

    async def _follow(self) -> None:
        while True:
            try:
                self._seen = await self._look()
                self._heard = time.monotonic()
                self._tell(_trouble(self._seen.picture))
                self._draw()
            except (WattmeshError, OSError) as error:
                said = error.message if isinstance(error, WattmeshError) else str(error)
                silent = time.monotonic() - self._heard
                self._tell(f"no answer for {silent:.0f} s: {said}. What is shown is as old.")
            except NoMatches:
                return  # it is being taken down, and has no lines any more
            await asyncio.sleep(self._refresh_seconds)

    def _tell(self, trouble: str) -> None:
        line = self.query_one("#trouble", Static)
        line.display = bool(trouble)
        line.update(Text(trouble))

    def _draw(self) -> None:
        if self._seen is None:
            return
        picture, alerts = self._seen.picture, self._seen.alerts
        snapshot, zone, glyphs, width = (
            picture.snapshot,
            picture.zone,
            self._glyphs,
            self.size.width,
        )
        self.query_one("#head", Static).update(Text(_head(picture, glyphs)))
        self.query_one("#now", Static).update(Text(_now(picture, glyphs), overflow="ellipsis"))
        # Tables that nobody sees are drawn when somebody does.
        tab = self.query_one(TabbedContent).active
        match tab:
            case "sites":
                columns = tables.site_columns(snapshot, width)
                rows = tables.site_rows(snapshot, width, glyphs)
            case "plans":
                columns = tables.plan_columns(snapshot, zone, width)
                rows = tables.plan_rows(snapshot, width, glyphs)
            case "vehicles":
                columns = tables.VEHICLE_COLUMNS
                rows = tables.vehicle_rows(snapshot, zone, width, glyphs)
            case "savings":
                columns = tables.ACCOUNT_COLUMNS
                rows = tables.account_rows(snapshot.accounts, glyphs)
            case "alerts":
                columns = tables.ALERT_COLUMNS
                rows = tables.alert_rows(alerts or (), zone, width)
            case _:
                columns = tables.PROCESS_COLUMNS
                rows = tables.process_rows(snapshot, glyphs)
        silent = tab == "alerts" and alerts is None
        self._show(tab, columns, rows, "Alerting does not answer." if silent else EMPTY[tab])
        label = "Alerts" if not alerts else f"Alerts {len(alerts)}"
        tab_head = self.query_one(TabbedContent).get_tab("alerts")
        if str(tab_head.label) != label:
            tab_head.label = label

    def _show(self, tab: str, columns: Columns, rows: Rows, empty: str) -> None:
        table = self.query_one(f"#{tab}-table", Table)
        table.show(columns, rows)
        none = self.query_one(f"#{tab}-empty", Static)
        none.update(empty)
        none.display = table.row_count == 0
        table.display = table.row_count > 0


def _head(picture: Picture, glyphs: Glyphs) -> str:
    local = picture.snapshot.time.astimezone(picture.zone)
    pace = "live" if picture.rate == 1 else f"1 s shows {picture.rate / 60:.0f} min"
    parts = ["Wattmesh", f"{local:%a %d %b %Y %H:%M %Z}", pace]
    return f" {glyphs.idle} ".join([*parts, *([picture.web] if picture.web else ())])


def _now(picture: Picture, glyphs: Glyphs) -> str:
    snapshot = picture.snapshot
    price = or_dash(snapshot.price_per_kwh, ".3f", f" {snapshot.currency_code}/kWh", glyphs.dash)
    carbon = or_dash(snapshot.carbon_gco2e_per_kwh, ".0f", " g/kWh", glyphs.dash)
    net = or_dash(total_kw(site.net_w for site in snapshot.sites), ".2f", " kW", glyphs.dash)
    return f"price {price}   carbon {carbon}   net {net}"


def _trouble(picture: Picture) -> str:
    """Return what is not as it should be; empty: nothing."""
    snapshot = picture.snapshot
    down = [name for name, state in snapshot.health.items() if state != "SERVING"]
    parts = [f"down: {', '.join(down)}"] if down else []
    if snapshot.degradations:
        lacking = (f"{kind} {count}" for kind, count in snapshot.degradations.items())
        parts.append(f"plans without {', '.join(lacking)}")
    return "; ".join(parts)
