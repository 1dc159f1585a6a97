// Where an alert leads: the pages that show what it names.

import type { Alert } from "../gen/wattmesh/alert/v1/alert_pb.ts";

export interface Way {
  page: string;
  text: string;
}

/** The page of a collection; of `sites/a/devices/b/points/c` the last that has one counts. */
const WAYS: Readonly<Record<string, Way>> = {
  commands: { page: "proof", text: "See the proof" },
  plans: { page: "plan", text: "See the plan" },
  devices: { page: "devices", text: "See the device" },
  models: { page: "forecasts", text: "See the forecasts" },
  forecasts: { page: "forecasts", text: "See the forecasts" },
  tariffs: { page: "savings", text: "See the bill" },
  zones: { page: "carbon", text: "See the carbon" },
  holds: { page: "now", text: "See the site" },
  assets: { page: "now", text: "See the site" },
};

/** The pages that say more of an alert, each once, in the order in which it names them. */
export function waysOf(alert: Pick<Alert, "links" | "subject">): Way[] {
  const named = alert.links.length > 0 ? alert.links : [alert.subject];
  const found = named.flatMap((name) => wayOf(name) ?? []);
  return found.filter((way, place) => found.findIndex((each) => each.page === way.page) === place);
}

function wayOf(name: string): Way | undefined {
  const collections = name.split("/").filter((_, place) => place % 2 === 0);
  return collections.reverse().flatMap((each) => WAYS[each] ?? [])[0];
}

/** What happened, without the name of the command that it begins with: the proof has it. */
export function told(description: string): string {
  return description.replace(/^commands\/[\w-]+: /, "");
}

export function cameBack(times: number): string {
  if (times < 1) return "";
  return times === 1 ? "came back once" : `came back ${times} times`;
}
