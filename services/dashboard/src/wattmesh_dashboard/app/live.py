"""The picture that everybody watches: kept once, told to all."""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Iterable, Mapping

from wattmesh_dashboard.app.ports import Encoder
from wattmesh_dashboard.domain.flow import Measured, SiteFlow, site_flow
from wattmesh_dashboard.domain.look import Look
from wattmesh_dashboard.domain.news import KEPT, FeedState, News, Topic
from wattmesh_dashboard.domain.together import AllSites, together
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import PointId, SiteId
from wattmesh_runtime.aio.broadcast import Broadcast
from wattmesh_sitemodel.view import SiteModelView

HEARTBEAT_SECONDS = 1.0
"""How long a watcher hears nothing at most [s of the wall]."""
GATHER_SECONDS = 0.1
"""How long news is gathered before it is told: one message for all that came meanwhile."""
SUM_SECONDS = 2.0
"""How old sums of all sites may get before they are made anew [s of the wall]."""
MOST_UNREAD = 20_000


class LivePicture:
    """The newest of everything, and those who watch it."""

    def __init__(self, clock: Clock, view: SiteModelView, encoder: Encoder) -> None:
        self._clock = clock
        self._view = view
        self._encoder = encoder
        self._kept: dict[tuple[Topic, str], News] = {}
        self._readings: dict[PointId, Measured] = {}
        self._flows: dict[SiteId, SiteFlow] = {}
        self._sums: dict[frozenset[SiteId] | None, tuple[float, bytes]] = {}
        self._feeds: dict[str, FeedState] = {}
        self._news: Broadcast[News] = Broadcast(MOST_UNREAD)

    @property
    def watchers(self) -> int:
        """How many watch."""
        return self._news.watchers

    def tell(self, news: Iterable[News]) -> None:
        """Keep news and tell it."""
        told = list(news)
        for each in told:
            self._keep(each)
        self._news.publish(*told)

    def forget(self, topic: Topic) -> None:
        """Forget what was kept of a topic: its stream begins anew, with all there is.

        Those who watch hear of it as a feed that is connected again.
        """
        for key in [key for key in self._kept if key[0] is topic]:
            del self._kept[key]

    def take_readings(self, readings: Mapping[PointId, Measured]) -> None:
        """Take readings, of which an older one never replaces a newer; tell what flows now."""
        fresh = {
            point: measured
            for point, measured in readings.items()
            if point not in self._readings or self._readings[point].time <= measured.time
        }
        self._readings.update(fresh)
        self.tell_flows({point.device.site for point in fresh})

    def tell_flows(self, sites: Iterable[SiteId]) -> None:
        """Tell what flows at sites, unless it is what was told before."""
        model, now = self._view.model, self._clock.now()
        flows = [
            site_flow(model, site, self._readings, now)
            for site in sorted(sites)
            if site in model.sites
        ]
        self._flows.update((flow.site, flow) for flow in flows)
        told = [self._flow_news(flow) for flow in flows]
        self.tell(each for each in told if self._is_new(each))

    def tell_model(self) -> None:
        """Tell that the site model is another, and what flows at each site by it."""
        model = self._view.model
        names = {site.name for site in model.sites}
        for key in [key for key in self._kept if key[0] is Topic.FLOW and key[1] not in names]:
            del self._kept[key]
        self._flows = {site: flow for site, flow in self._flows.items() if site in model.sites}
        content = self._encoder.revision(model.revision)
        self.tell([News(topic=Topic.MODEL, key="", content=content)])
        self.tell_flows(model.sites)

    def tell_feed(self, feed: str, *, connected: bool, message: str = "") -> None:
        """Tell that a feed flows or is broken; a broken one keeps the time at which it broke."""
        before = self._feeds.get(feed)
        if before is not None and before.connected == connected:
            return
        state = FeedState(feed=feed, connected=connected, since=self._clock.now(), message=message)
        self._feeds[feed] = state
        self.tell([News(topic=Topic.FEED, key=feed, content=self._encoder.feed(state))])

    async def watch(self, look: Look) -> AsyncGenerator[bytes, None]:
        """Yield all there is to look at, then what changes, and when nothing does a heartbeat.

        Error: ResourceExhausted `WATCHER_TOO_SLOW`.
        """
        with self._news.watch(lambda news: news.concerns(look)) as watcher:
            first = b"".join(news.content for news in self._kept.values() if news.concerns(look))
            sums = self._together(look)
            yield first + sums
            while True:
                try:
                    async with asyncio.timeout(HEARTBEAT_SECONDS):
                        unread = _joined(await watcher.batch())
                except TimeoutError:
                    unread = b""
                before, sums = sums, self._together(look)
                yield unread + (b"" if sums is before else sums)
                if unread:
                    await asyncio.sleep(GATHER_SECONDS)

    def _together(self, look: Look) -> bytes:
        """Return the sums of the sites of who looks, made once for all who have the same."""
        if not look.together:
            return b""
        made, content = self._sums.get(look.within, (-math.inf, b""))
        if (now := time.monotonic()) - made < SUM_SECONDS:
            return content
        self._sums = {
            within: kept for within, kept in self._sums.items() if now - kept[0] < 2 * SUM_SECONDS
        }
        content = self._encoder.all_sites(self._added_up(look))
        self._sums[look.within] = (time.monotonic(), content)
        return content

    def _added_up(self, look: Look) -> AllSites:
        seen = [site for site in self._view.model.sites if look.reaches((site,))]
        flows = (flow for flow in self._flows.values() if look.reaches((flow.site,)))
        return together(len(seen), flows, self._clock.now(), self._clock.rate)

    def _keep(self, news: News) -> None:
        key = (news.topic, news.key)
        if news.over:
            self._kept.pop(key, None)
        elif news.topic in KEPT:
            self._kept[key] = news

    def _is_new(self, news: News) -> bool:
        kept = self._kept.get((news.topic, news.key))
        return kept is None or kept.content != news.content

    def _flow_news(self, flow: SiteFlow) -> News:
        content = self._encoder.flow(flow)
        return News(topic=Topic.FLOW, key=flow.site.name, content=content, sites=(flow.site,))


def _joined(news: Iterable[News]) -> bytes:
    """Return the newest of each key, in order; commands and events are told all."""
    newest: dict[tuple[Topic, str], News] = {}
    for each in news:
        newest[(each.topic, each.key)] = each
    return b"".join(each.content for each in newest.values())
