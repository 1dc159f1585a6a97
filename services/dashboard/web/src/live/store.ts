// The live picture: one stream for the whole page, kept outside of React, told to whoever looks.

import { AlertState, type Alert } from "../gen/wattmesh/alert/v1/alert_pb.ts";
import type { Command } from "../gen/wattmesh/control/v1/control_pb.ts";
import type { DeviceEvent } from "../gen/wattmesh/control/v1/device_event_pb.ts";
import type { Hold } from "../gen/wattmesh/control/v1/hold_pb.ts";
import type {
  AllSites,
  Feed,
  SiteFlow,
  WatchLiveResponse,
} from "../gen/wattmesh/dashboard/v1/dashboard_service_pb.ts";
import type { Plan } from "../gen/wattmesh/planner/v1/planner_pb.ts";
import { toMs } from "../lib/time.ts";
import { covers, lookOf, type Look, type Shown } from "./look.ts";

export type Line = "connecting" | "open" | "lost";

export interface Picture {
  line: Line;
  /** When the line broke [ms of the mesh]; null: it is open, or never was. */
  lostAt: number | null;
  why: string;
  revision: string;
  /** Of the sites that are on the screen. */
  flows: ReadonlyMap<string, SiteFlow>;
  /** All sites together, where a page asks for that. */
  together: AllSites | null;
  plans: ReadonlyMap<string, Plan>;
  holds: ReadonlyMap<string, Hold>;
  feeds: ReadonlyMap<string, Feed>;
  /** Those that are not over. */
  alerts: ReadonlyMap<string, Alert>;
  /** Counts what happened to commands and devices of the site that is looked at. */
  turns: { commands: number; events: number; alerts: number };
  command: Command | null;
  event: DeviceEvent | null;
}

export type Watch = (
  look: Look,
  signal: AbortSignal,
) => AsyncIterable<WatchLiveResponse>;

const SILENT_AFTER_MS = 6_000;
const LONGEST_WAIT_MS = 5_000;
/** How long a list must stand still before its rows are asked for. */
const SETTLED_MS = 120;

const NOTHING: Picture = {
  line: "connecting",
  lostAt: null,
  why: "",
  revision: "",
  flows: new Map(),
  together: null,
  plans: new Map(),
  holds: new Map(),
  feeds: new Map(),
  alerts: new Map(),
  turns: { commands: 0, events: 0, alerts: 0 },
  command: null,
  event: null,
};

export class LiveStore {
  private picture = NOTHING;
  private readonly listeners = new Set<() => void>();
  private readonly watch: Watch;
  private readonly wall: () => number;
  private site = "";
  private readonly parts = new Map<object, Shown>();
  private dialled: Look = lookOf("", []);
  private settling: ReturnType<typeof setTimeout> | undefined;
  private stopping: AbortController | null = null;
  private anchor: { mesh: number; wall: number; rate: number } | null = null;
  private scheduled = false;

  constructor(watch: Watch, wall: () => number = () => performance.now()) {
    this.watch = watch;
    this.wall = wall;
  }

  /** Now, by the mesh's clock; null before it ever said. It goes on while the line is broken. */
  now(): number | null {
    const anchor = this.anchor;
    return anchor === null ? null : anchor.mesh + (this.wall() - anchor.wall) * anchor.rate;
  }

  /** Seconds of the mesh per second of the wall. */
  get rate(): number {
    return this.anchor?.rate ?? 1;
  }

  get = (): Picture => this.picture;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Look at a site, or at none: its commands and events are told as well. */
  follow(site: string): void {
    if (this.stopping !== null && site === this.site) return;
    this.site = site;
    this.dial();
  }

  /** Have sites told as long as they are on the screen; returns what ends that. */
  show(shown: Shown): () => void {
    const part = {};
    this.parts.set(part, shown);
    this.settle();
    return () => {
      this.parts.delete(part);
      this.settle();
    };
  }

  stop(): void {
    clearTimeout(this.settling);
    this.stopping?.abort();
    this.stopping = null;
  }

  /** Dial anew once what is shown stands still, when the stream does not tell it all. */
  private settle(): void {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => {
      if (this.stopping !== null && !covers(this.dialled, lookOf(this.site, this.parts.values()))) this.dial();
    }, SETTLED_MS);
  }

  private dial(): void {
    this.stop();
    this.dialled = lookOf(this.site, this.parts.values());
    const stopping = new AbortController();
    this.stopping = stopping;
    void this.run(stopping.signal);
  }

  private async run(stopped: AbortSignal): Promise<void> {
    let wait = 250;
    while (!stopped.aborted) {
      const why = await this.read(stopped, () => (wait = 250));
      if (stopped.aborted) return;
      this.lose(why);
      await new Promise((resolve) => setTimeout(resolve, wait * (0.75 + Math.random() / 2)));
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    }
  }

  /** Read one stream to its end; return why it ended. A silent one is as good as broken. */
  private async read(stopped: AbortSignal, flows: () => void): Promise<string> {
    const silent = new AbortController();
    let timer = setTimeout(() => silent.abort(), SILENT_AFTER_MS);
    let first = true;
    try {
      for await (const message of this.watch(this.dialled, AbortSignal.any([stopped, silent.signal]))) {
        clearTimeout(timer);
        timer = setTimeout(() => silent.abort(), SILENT_AFTER_MS);
        this.take(message, first);
        first = false;
        flows();
      }
      return "The dashboard ended the stream.";
    } catch {
      return silent.signal.aborted ? "Nothing was heard for a while." : "No connection.";
    } finally {
      clearTimeout(timer);
    }
  }

  /** Take a message; the first of a stream is all there is. */
  take(message: WatchLiveResponse, first: boolean): void {
    if (message.sendTime !== undefined) {
      const rate = message.clockRateRatio || 1;
      this.anchor = { mesh: toMs(message.sendTime), wall: this.wall(), rate };
    }
    const before = first ? { ...NOTHING, turns: this.picture.turns } : this.picture;
    const { commands, events, alerts } = before.turns;
    this.tell({
      line: "open",
      lostAt: null,
      why: "",
      revision: message.siteModelRevision ? String(message.siteModelRevision) : before.revision,
      flows: merged(before.flows, message.sites, (flow) => flow.site),
      together: message.allSites ?? before.together,
      plans: merged(before.plans, message.plans, (plan) => plan.scope),
      holds: merged(before.holds, message.holds, (hold) => hold.name),
      feeds: merged(before.feeds, message.feeds, (feed) => feed.feed),
      alerts: firing(before, message),
      turns: {
        commands: commands + message.commands.length + (first ? 1 : 0),
        events: events + message.events.length + (first ? 1 : 0),
        alerts: alerts + message.alerts.length + (first ? 1 : 0),
      },
      command: message.commands.at(-1) ?? before.command,
      event: message.events.at(-1) ?? before.event,
    });
  }

  private lose(why: string): void {
    const lostAt = this.picture.lostAt ?? this.now();
    this.tell({ ...this.picture, line: "lost", lostAt, why });
  }

  private tell(picture: Picture): void {
    const heartbeat = same(this.picture, picture);
    if (heartbeat) return;
    this.picture = picture;
    if (this.scheduled) return;
    this.scheduled = true;
    // Many messages make one drawing.
    setTimeout(() => {
      this.scheduled = false;
      for (const listener of this.listeners) listener();
    }, 50);
  }
}

function merged<T>(
  before: ReadonlyMap<string, T>,
  news: readonly T[],
  key: (item: T) => string,
): ReadonlyMap<string, T> {
  if (news.length === 0) return before;
  const after = new Map(before);
  for (const item of news) after.set(key(item), item);
  return after;
}

/** Alerts that are not over. A feed that is back tells all there is: one that ended meanwhile is not told. */
function firing(before: Picture, message: WatchLiveResponse): ReadonlyMap<string, Alert> {
  const back = message.feeds.some((feed) => feed.feed === "alerts" && feed.connected);
  const kept = back ? new Map<string, Alert>() : before.alerts;
  const after = new Map(merged(kept, message.alerts, (alert) => alert.name));
  const over = message.alerts.filter((alert) => alert.state === AlertState.RESOLVED);
  if (!back && message.alerts.length === 0) return before.alerts;
  for (const alert of over) after.delete(alert.name);
  return after;
}

function same(one: Picture, other: Picture): boolean {
  return (
    one.line === other.line &&
    one.why === other.why &&
    one.revision === other.revision &&
    one.flows === other.flows &&
    one.together === other.together &&
    one.plans === other.plans &&
    one.holds === other.holds &&
    one.feeds === other.feeds &&
    one.alerts === other.alerts &&
    one.turns.commands === other.turns.commands &&
    one.turns.events === other.turns.events &&
    one.turns.alerts === other.turns.alerts
  );
}
