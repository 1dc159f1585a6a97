// A chart over time: several panes, one time axis, one cursor, which keys move as well.

import { useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Locale } from "../lib/format.ts";
import { clock, day, number } from "../lib/format.ts";
import { zoneOffset } from "../lib/time.ts";
import { SeriesTable } from "./series-table.tsx";

export interface Line {
  name: string;
  /** A CSS variable, as `--pv`. */
  colour: string;
  values: ReadonlyArray<number | null>;
  shape?: "line" | "step" | "bars" | "area";
  dashed?: boolean;
  width?: number;
  /** The other edge of a band, by its place among the lines; the band is filled. */
  bandTo?: number;
  /** The edge of a band: neither drawn by itself nor named. */
  quiet?: boolean;
  /** Drawn, but named by the line of the same colour. */
  unnamed?: boolean;
}

export interface Pane {
  title: string;
  height: number;
  lines: readonly Line[];
  digits: number;
  /** The least that the axis shows. */
  range?: [number, number];
}

interface ChartProps {
  /** Times of the values [ms], rising. */
  times: readonly number[];
  panes: readonly Pane[];
  now: number | null;
  at: Locale;
  /** Which time the cursor is at, as a place among the times; null: none. */
  cursor: number | null;
  onCursor: (place: number | null) => void;
  label: string;
  /** Whether the page has a table of it itself. */
  tabled?: boolean;
}

export function Chart({ tabled = false, ...chart }: ChartProps) {
  return (
    <>
      <Picture {...chart} />
      {!tabled && <AsTable {...chart} />}
    </>
  );
}

/** The same for those who cannot see it, made when it is opened. */
function AsTable({ times, panes, at, label }: ChartProps) {
  const [open, setOpen] = useState(false);
  return (
    <details className="raw small" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>As a table</summary>
      {open && <SeriesTable times={times} panes={panes} at={at} label={`${label} As a table.`} />}
    </details>
  );
}

function Picture({ times, panes, now, at, cursor, onCursor, label }: ChartProps) {
  const move = (step: number): void => {
    const start = cursor ?? nearest(times, now ?? times[0] ?? 0);
    onCursor(Math.min(Math.max(start + step, 0), times.length - 1));
  };
  return (
    <div
      className="chart"
      role="application"
      tabIndex={0}
      aria-label={`${label} Left and right arrows move through time.`}
      onKeyDown={(event) => {
        const steps: Record<string, number> = {
          ArrowRight: 1,
          ArrowLeft: -1,
          PageDown: 12,
          PageUp: -12,
          Home: -times.length,
          End: times.length,
        };
        const step = steps[event.key];
        if (step !== undefined) {
          event.preventDefault();
          move(step);
        } else if (event.key === "Escape") onCursor(null);
      }}
    >
      {panes.map((pane, place) => (
        <PaneView
          key={pane.title}
          pane={pane}
          times={times}
          now={now}
          at={at}
          cursor={cursor}
          onCursor={onCursor}
          last={place === panes.length - 1}
        />
      ))}
    </div>
  );
}

export function nearest(times: readonly number[], ms: number): number {
  let place = 0;
  while (place + 1 < times.length && (times[place + 1] as number) <= ms) place += 1;
  return place;
}

interface PaneProps extends Omit<ChartProps, "panes" | "label" | "tabled"> {
  pane: Pane;
  last: boolean;
}

function PaneView({ pane, times, now, at, cursor, onCursor, last }: PaneProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef({ now, onCursor });
  latest.current = { now, onCursor };
  const data = useMemo(
    () => [times.map((ms) => ms / 1000), ...pane.lines.map((line) => line.values)] as uPlot.AlignedData,
    [times, pane.lines],
  );
  // A chart is built anew only when what it is made of changes, not with each value.
  const made = pane.lines.map((line) => `${line.name}|${line.colour}|${line.shape}`).join(";");
  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const build = (): void => {
      plot.current?.destroy();
      plot.current = new uPlot(
        options(element, pane, at, last, latest),
        data,
        element,
      );
    };
    build();
    const resized = new ResizeObserver(() => {
      plot.current?.setSize({ width: element.clientWidth, height: heightOf(pane, last) });
    });
    resized.observe(element);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", build);
    const themed = new MutationObserver(build);
    themed.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => {
      resized.disconnect();
      themed.disconnect();
      dark.removeEventListener("change", build);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [made, at.zone, last, pane.title]);
  useEffect(() => plot.current?.setData(data), [data]);
  useEffect(() => plot.current?.redraw(false, false), [now]);
  useEffect(() => {
    const shown = plot.current;
    if (shown === null) return;
    if (cursor === null) {
      shown.setCursor({ left: -10, top: -10 }, false);
      return;
    }
    const seconds = (times[cursor] ?? 0) / 1000;
    shown.setCursor({ left: shown.valToPos(seconds, "x"), top: 0 }, false);
  }, [cursor, times, data]);
  return (
    <figure className="pane">
      <figcaption>
        <strong>{pane.title}</strong>
        {pane.lines
          .filter((line) => line.quiet !== true && line.unnamed !== true)
          .map((line) => (
            <span key={line.name} className="key">
              <i
                style={{ background: `var(${line.colour})` }}
                className={line.dashed ? "dashed" : undefined}
              />
              {line.name}
            </span>
          ))}
      </figcaption>
      <div ref={host} aria-hidden="true" style={{ height: heightOf(pane, last) }} />
    </figure>
  );
}

const AXIS = 30;

function heightOf(pane: Pane, last: boolean): number {
  return pane.height + (last ? AXIS : 0);
}

type Latest = { current: { now: number | null; onCursor: (place: number | null) => void } };

function options(
  host: HTMLElement,
  pane: Pane,
  at: Locale,
  last: boolean,
  latest: Latest,
): uPlot.Options {
  const style = getComputedStyle(host);
  const css = (name: string): string => style.getPropertyValue(name).trim() || "#888";
  const grid = { stroke: css("--line"), width: 1 };
  const font = `12px ${style.fontFamily}`;
  return {
    width: host.clientWidth,
    height: heightOf(pane, last),
    padding: [8, 22, last ? 0 : 6, 0],
    legend: { show: false },
    tzDate: (seconds) => local(seconds, at.zone),
    scales: {
      x: { time: true },
      y: { range: (_plot, low, high) => spanOf(low, high, pane.range) },
    },
    cursor: { drag: { x: false, y: false }, y: false, points: { size: 7 } },
    axes: [
      {
        show: last,
        stroke: css("--muted"),
        grid,
        ticks: grid,
        font,
        size: AXIS,
        space: 62,
        values: (_plot, splits) => splits.map((each) => tickLabel(each * 1000, at)),
      },
      {
        stroke: css("--muted"),
        grid,
        ticks: { show: false },
        font,
        size: 46,
        space: 28,
        values: (_plot, splits) => splits.map((each) => number(each, pane.digits, at.locale)),
      },
    ],
    series: [{}, ...pane.lines.map((line) => seriesOf(line, css))],
    bands: pane.lines.flatMap((line, place) =>
      line.bandTo === undefined
        ? []
        : [
            {
              series: [place + 1, line.bandTo + 1] as [number, number],
              fill: faded(css(line.colour), 0.2),
            },
          ],
    ),
    hooks: {
      setCursor: [
        (plot) => {
          // Only a pointer tells: what keys and other panes set is known already.
          const moved = plot.cursor.event;
          if (moved != null) latest.current.onCursor(plot.cursor.idx ?? null);
        },
      ],
      draw: [(plot) => drawNow(plot, latest.current.now, css("--text"))],
    },
  };
}

/** The tick of a day's start says which day it is. */
function tickLabel(ms: number, at: Locale): string {
  const midnight = (ms + zoneOffset(ms, at.zone)) % 86_400_000 === 0;
  return midnight ? day(ms, at) : clock(ms, at);
}

/** A date whose local fields are those of the zone, as uPlot reads it. */
function local(seconds: number, zone: string): Date {
  return uPlot.tzDate(new Date(seconds * 1000), zone);
}

function spanOf(low: number | null, high: number | null, least?: [number, number]): [number, number] {
  const bottom = Math.min(low ?? 0, least?.[0] ?? low ?? 0);
  const top = Math.max(high ?? 1, least?.[1] ?? high ?? 1);
  const room = (top - bottom || 1) * 0.06;
  return [bottom === 0 ? 0 : bottom - room, top + room];
}

function seriesOf(line: Line, css: (name: string) => string): uPlot.Series {
  const colour = css(line.colour);
  const width = line.width ?? (line.quiet ? 0 : 1.8);
  const paths = uPlot.paths;
  return {
    label: line.name,
    stroke: colour,
    width,
    ...(line.dashed && { dash: [6, 4] }),
    ...(line.shape === "area" && { fill: faded(colour, 0.22) }),
    ...(line.shape === "bars" && { fill: faded(colour, 0.45), width: 1 }),
    ...(line.shape === "step" && paths.stepped && { paths: paths.stepped({ align: 1 }) }),
    ...(line.shape === "bars" && paths.bars && { paths: paths.bars({ size: [0.92, 60], align: 1 }) }),
    points: { show: false },
    spanGaps: false,
  };
}

function faded(colour: string, alpha: number): string {
  return `color-mix(in srgb, ${colour} ${alpha * 100}%, transparent)`;
}

function drawNow(plot: uPlot, now: number | null, colour: string): void {
  if (now === null) return;
  const { ctx, bbox } = plot;
  const x = Math.round(plot.valToPos(now / 1000, "x", true));
  if (x < bbox.left || x > bbox.left + bbox.width) return;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.restore();
}
