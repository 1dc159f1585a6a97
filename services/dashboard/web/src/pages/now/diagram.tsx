// The picture of flows: the site in the middle, what it is connected to around it.

import { useSyncExternalStore } from "react";
import { FlowKind } from "../../gen/wattmesh/dashboard/v1/dashboard_service_pb.ts";
import { KINDS } from "../../domain/words.ts";
import { percent, power } from "../../lib/format.ts";
import { COLOURS, doing, type Flow } from "./flows.ts";

interface Place {
  x: number;
  y: number;
}

interface Layout {
  width: number;
  height: number;
  centre: Place;
  places: Partial<Record<FlowKind, Place>>;
}

function layout(width: number, height: number, edge: number, corner: number): Layout {
  const centre = { x: width / 2, y: height / 2 };
  const [top, bottom] = [48, height - 48];
  return {
    width,
    height,
    centre,
    places: {
      [FlowKind.PV]: { x: centre.x, y: top },
      [FlowKind.GRID]: { x: edge, y: centre.y },
      [FlowKind.LOAD]: { x: width - edge, y: centre.y },
      [FlowKind.BATTERY]: { x: centre.x, y: bottom },
      [FlowKind.WIND]: { x: corner, y: top },
      [FlowKind.GENERATOR]: { x: width - corner, y: top },
      [FlowKind.EV]: { x: width - corner, y: bottom },
      [FlowKind.HEAT]: { x: corner, y: bottom },
    },
  };
}

const WIDE = layout(640, 370, 86, 146);
/** For a phone: what is read is as large as on a desk. */
const NARROW = layout(470, 430, 80, 80);
const PHONE = "(max-width: 560px)";

function useLayout(): Layout {
  const narrow = useSyncExternalStore(
    (told) => {
      const query = matchMedia(PHONE);
      query.addEventListener("change", told);
      return () => query.removeEventListener("change", told);
    },
    () => matchMedia(PHONE).matches,
  );
  return narrow ? NARROW : WIDE;
}

export function Diagram({ flows, title }: { flows: readonly Flow[]; title: string }) {
  const { width, height, centre, places } = useLayout();
  const largest = Math.max(1000, ...flows.map((flow) => Math.abs(flow.watts ?? 0)));
  return (
    <svg className="diagram" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={told(flows)}>
      {flows.map((flow) => (
        <Line key={flow.kind} flow={flow} largest={largest} centre={centre} place={places[flow.kind]} />
      ))}
      <circle cx={centre.x} cy={centre.y} r={34} className="hub" />
      <path
        d={`M${centre.x - 15} ${centre.y + 1}l15-14 15 14v14h-10v-9h-10v9h-10z`}
        className="hub-house"
      />
      {flows.map((flow) => (
        <Node key={flow.kind} flow={flow} place={places[flow.kind]} />
      ))}
      <title>{title}</title>
    </svg>
  );
}

interface LineProps {
  flow: Flow;
  largest: number;
  centre: Place;
  place: Place | undefined;
}

function Line({ flow, largest, centre, place }: LineProps) {
  if (place === undefined) return null;
  const watts = flow.watts ?? 0;
  const moving = flow.fresh && Math.abs(watts) >= 1;
  const share = Math.min(Math.abs(watts) / largest, 1);
  // Towards the asset when it takes, from the grid and plants when they give.
  const into = flow.kind === FlowKind.GRID ? watts < 0 : watts > 0;
  const [from, to] = into ? [centre, place] : [place, centre];
  const path = `M${from.x} ${from.y}L${to.x} ${to.y}`;
  return (
    <g style={{ color: COLOURS[flow.kind] }}>
      <path d={path} className="wire" />
      {moving && (
        <path
          d={path}
          className="current"
          style={{ strokeWidth: 2 + 6 * share, animationDuration: `${(2.4 - 1.8 * share).toFixed(2)}s` }}
        />
      )}
    </g>
  );
}

function Node({ flow, place }: { flow: Flow; place: Place | undefined }) {
  if (place === undefined) return null;
  const watts = flow.watts;
  const known = watts !== null;
  return (
    <g
      transform={`translate(${place.x} ${place.y})`}
      className={known && flow.fresh ? "node" : "node old"}
      style={{ color: COLOURS[flow.kind] }}
    >
      <rect x={-70} y={-40} width={140} height={80} rx={16} />
      <text y={-17} className="name">
        {flow.kind === FlowKind.HEAT ? "Heat and cool" : KINDS[flow.kind]}
        {flow.socRatio !== null ? ` · ${percent(flow.socRatio)}` : ""}
      </text>
      <text y={7} className="value">
        {known ? power(Math.abs(watts)) : "–"}
      </text>
      <text y={27} className="doing">
        {!known ? "not known" : flow.fresh ? doing(flow.kind, watts) : "old reading"}
      </text>
    </g>
  );
}

/** The picture for those who hear it. */
function told(flows: readonly Flow[]): string {
  const parts = flows.map((flow) => {
    const name = KINDS[flow.kind];
    if (flow.watts === null) return `${name} not known`;
    const soc = flow.socRatio === null ? "" : ` at ${percent(flow.socRatio)}`;
    const old = flow.fresh ? "" : ", an old reading";
    return `${name}${soc} ${doing(flow.kind, flow.watts)} ${power(Math.abs(flow.watts))}${old}`;
  });
  return parts.join("; ");
}
