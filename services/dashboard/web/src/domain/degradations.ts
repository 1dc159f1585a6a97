// What a plan had to do without, as far as it is about a site: plans of a group speak of all its sites.

import type { Degradation, Plan } from "../gen/wattmesh/planner/v1/planner_pb.ts";

export function degradationsOf(plan: Plan | undefined, site: string): Degradation[] {
  return (plan?.degradations ?? []).filter((each) => {
    const others = each.subject.startsWith("sites/");
    return !others || each.subject === site || each.subject.startsWith(`${site}/`);
  });
}
