// A client of Wattmesh, thin over its contracts: what Node and browsers share.

export { calls, DEADLINE_MS, type Calling, type Token } from "./calls.ts";
export * from "./errors.ts";
export { Wattmesh, type ItemOf, type Transports, type Watching } from "./mesh.ts";
export { duration, ms, range, samples, timestamp, type ProtoTime } from "./values.ts";
export { AlertState } from "./gen/wattmesh/alert/v1/alert_pb.ts";
export { CommandState } from "./gen/wattmesh/control/v1/control_pb.ts";
export { PlanState } from "./gen/wattmesh/planner/v1/planner_pb.ts";
