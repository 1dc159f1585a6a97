"""What the dashboard costs with many sites and many browsers, as JSON.

    python -m tests.bench.dashboard [--sites 1000] [--browsers 100] [--seconds 60]

Frames while a list of all sites is scrolled through, memory of the page while readings stream in,
the first load over a throttled line on a slow machine, and the back end with many streams. The
figures of frames and of the first load say something on a quiet machine only: `load` says whether
it was one. The back end's figures have its fakes and the readers of its streams in them.
"""

import argparse
import asyncio
import json
import os
import resource
import time
from contextlib import AsyncExitStack
from typing import Any

from tests.bench.dashboard.world import dashboard_of
from tests.browser.install import install
from tests.fakes.dashboard_world import Browser, Live

EVERY_SECONDS = 1.0
FAST_4G = {"offline": False, "latency": 165, "downloadThroughput": 1_012_500}
"""As Chromium's own tools have it: 8.1 Mbit/s, 165 ms."""
SCROLL = """async () => {
  const deltas = [];
  let last = performance.now();
  const most = document.documentElement.scrollHeight;
  for (let y = 0; y < most; y += 240) {
    scrollTo(0, y);
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    deltas.push(now - last);
    last = now;
  }
  return { deltas: deltas.slice(2), height: most };
}"""

LOADED = """() => {
  const fetched = performance.getEntriesByType('resource');
  const scripts = fetched.filter((each) => each.name.endsWith('.js'));
  const timeline = fetched.map((each) => {
    const name = new URL(each.name).pathname.split('/').slice(-1)[0];
    const at = [each.startTime, each.responseStart, each.responseEnd].map(Math.round);
    return `${name}: ${at.join(' ')}, ${each.encodedBodySize} B`;
  });
  return {
    javascript_gzip_bytes: scripts.reduce((sum, each) => sum + each.encodedBodySize, 0),
    first_paint_ms: performance.getEntriesByName('first-contentful-paint')[0].startTime,
    last_long_task_until_ms: Math.max(0, ...busy),
    timeline,
  };
}"""


async def streams(address: str, count: int, seconds: float) -> dict[str, Any]:
    """Watch with many browsers; return what that cost this process."""
    async with AsyncExitStack() as stack:
        browser = Browser(address)
        lives = [await stack.enter_async_context(browser.live()) for _ in range(count)]
        await asyncio.gather(*(each.next() for each in lives))
        began, cpu = time.monotonic(), time.process_time()
        messages = await asyncio.gather(*(_read(each, began + seconds) for each in lives))
        passed = time.monotonic() - began
        return {
            "browsers": count,
            "seconds": round(passed, 1),
            "messages": sum(messages),
            "fewest_messages_of_one": min(messages),
            "cpu_seconds_per_second": round((time.process_time() - cpu) / passed, 3),
            "resident_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }


async def _read(live: Live, until: float) -> int:
    count = 0
    while time.monotonic() < until:
        await live.next()
        count += 1
    return count


async def opened(browser: Any, address: str) -> Any:
    """Return a page that shows all sites, live."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    page = await context.new_page()
    await page.goto(f"http://{address}/now")
    await page.locator("table.sites tbody tr").nth(5).wait_for(timeout=60_000)
    return page


async def scrolled(browser: Any, address: str) -> dict[str, Any]:
    """Scroll through the whole list; return the times between frames, and the work of each."""
    page = await opened(browser, address)
    tools = await page.context.new_cdp_session(page)
    await tools.send("Performance.enable")
    before = await _metrics(tools)
    found = await page.evaluate(SCROLL)
    after = await _metrics(tools)
    rows = await page.locator("table.sites tbody tr").count()
    await page.context.close()
    deltas = sorted(found["deltas"])
    work = (after["TaskDuration"] - before["TaskDuration"]) * 1000 / len(deltas)
    return {
        "list_height_px": found["height"],
        "rows_in_the_page": rows,
        "frames": len(deltas),
        "frame_ms_p50": round(deltas[len(deltas) // 2], 1),
        "frame_ms_p95": round(deltas[int(len(deltas) * 0.95)], 1),
        "main_thread_ms_per_frame": round(work, 1),
    }


async def streamed(browser: Any, address: str, seconds: float, told: Any) -> dict[str, Any]:
    """Leave a page open while readings come; return its memory, garbage collected, over time."""
    page = await opened(browser, address)
    tools = await page.context.new_cdp_session(page)
    await tools.send("Performance.enable")
    heap, turns = [], told.told
    for _ in range(5):
        await tools.send("HeapProfiler.collectGarbage")
        heap.append(round((await _metrics(tools))["JSHeapUsedSize"] / 2**20, 1))
        if len(heap) < 5:
            await asyncio.sleep(seconds / 4)
    nodes = (await _metrics(tools))["Nodes"]
    await page.context.close()
    return {"readings_of_each_point": told.told - turns, "heap_mb": heap, "nodes": round(nodes)}


async def first_load(browser: Any, address: str, path: str) -> dict[str, Any]:
    """Open a page over a throttled line, four times slower; return until when it is busy.

    `timeline`: of each thing that was fetched, when it was asked for, begun and there [ms].
    `main_thread_cpu_ms`: what the page computes on this machine at full speed, which a busy machine
    does not make more of, in all and by kind.
    """
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    page = await context.new_page()
    tools = await context.new_cdp_session(page)
    await tools.send("Network.enable")
    await tools.send("Network.emulateNetworkConditions", {**FAST_4G, "uploadThroughput": 187_500})
    await tools.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    await page.add_init_script(
        "window.busy = []; new PerformanceObserver((list) => busy.push(...list.getEntries()"
        ".map((each) => each.startTime + each.duration))).observe("
        "{type: 'longtask', buffered: true})"
    )
    await page.goto(f"http://{address}{path}")
    await page.locator("main h1").wait_for(timeout=60_000)
    shown = await page.evaluate("performance.now()")
    await page.wait_for_timeout(3000)  # what comes afterwards may keep it busy, too
    loaded = await page.evaluate(LOADED)
    await context.close()
    return {
        **{name: round(value) for name, value in loaded.items() if name != "timeline"},
        "heading_shown_ms": round(shown),
        "main_thread_cpu_ms": await _work_of_load(browser, address, path),
        "timeline": loaded["timeline"],
    }


async def _work_of_load(browser: Any, address: str, path: str) -> dict[str, int]:
    """Return the processor time of a page's first three seconds, at full speed."""
    page = await browser.new_page(viewport={"width": 390, "height": 844})
    tools = await page.context.new_cdp_session(page)
    await tools.send("Performance.enable", {"timeDomain": "threadTicks"})
    await page.goto(f"http://{address}{path}")
    await page.locator("main h1").wait_for(timeout=60_000)
    metrics = await _metrics(tools)
    await page.context.close()
    kinds = ("Task", "Script", "V8Compile", "Layout", "RecalcStyle")
    return {kind: round(metrics[f"{kind}Duration"] * 1000) for kind in kinds}


async def _metrics(tools: Any) -> dict[str, float]:
    answer = await tools.send("Performance.getMetrics")
    return {each["name"]: each["value"] for each in answer["metrics"]}


async def measure(arguments: argparse.Namespace, chromium: str) -> dict[str, Any]:
    """Return everything."""
    from playwright.async_api import async_playwright  # needs what was just installed

    report: dict[str, Any] = {"sites": arguments.sites, "load": round(os.getloadavg()[0], 1)}
    async with (
        dashboard_of(arguments.sites, EVERY_SECONDS) as (address, told),
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        report["first_load"] = {
            path: await first_load(browser, address, path) for path in ("/now/home-0", "/now")
        }
        report["list"] = await scrolled(browser, address)
        report["page"] = await streamed(browser, address, arguments.seconds, told)
        await browser.close()
        report["back_end"] = await streams(address, arguments.browsers, arguments.seconds / 3)
    return report


def main() -> None:
    """Measure, and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", type=int, default=1000)
    parser.add_argument("--browsers", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60)
    print(json.dumps(asyncio.run(measure(parser.parse_args(), install())), indent=1))


if __name__ == "__main__":
    main()
