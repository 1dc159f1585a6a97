// The services, typed by their contracts, through the dashboard's own door.

import type { DescService } from "@bufbuild/protobuf";
import { createClient, type Client } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import type { Operations } from "../gen/google/longrunning/operations_pb.ts";
import type { AlertService } from "../gen/wattmesh/alert/v1/alert_service_pb.ts";
import type { AnalyticsService } from "../gen/wattmesh/analytics/v1/analytics_service_pb.ts";
import type { CarbonService } from "../gen/wattmesh/carbon/v1/carbon_pb.ts";
import type { ControlService } from "../gen/wattmesh/control/v1/control_pb.ts";
import type { ExecutionService } from "../gen/wattmesh/control/v1/execution_pb.ts";
import type { OperatorService } from "../gen/wattmesh/control/v1/operator_pb.ts";
import { DashboardService } from "../gen/wattmesh/dashboard/v1/dashboard_service_pb.ts";
import type { ForecastService } from "../gen/wattmesh/forecast/v1/forecast_pb.ts";
import type { IdentityService } from "../gen/wattmesh/identity/v1/identity_service_pb.ts";
import type { MeteringService } from "../gen/wattmesh/metering/v1/metering_pb.ts";
import type { OptimizerService } from "../gen/wattmesh/optimizer/v1/optimizer_pb.ts";
import type { PlannerService } from "../gen/wattmesh/planner/v1/planner_pb.ts";
import { SiteService } from "../gen/wattmesh/site/v1/site_service_pb.ts";
import type { UsageService } from "../gen/wattmesh/usage/v1/usage_service_pb.ts";

const UNARY_TIMEOUT_MS = 10_000;

const streaming = createConnectTransport({ baseUrl: location.origin, useBinaryFormat: true });

/** A stream has no deadline; what is asked once has. */
const asking = createConnectTransport({
  baseUrl: location.origin,
  useBinaryFormat: true,
  defaultTimeoutMs: UNARY_TIMEOUT_MS,
});

/** A client whose contract is loaded when it is first called: no page waits for what it does not ask. */
function later<S extends DescService>(load: () => Promise<S>): Client<S> {
  let loaded: Promise<Client<S>> | null = null;
  const client = (): Promise<Client<S>> => {
    loaded ??= load().then(
      (service) => createClient(service, asking),
      (error: unknown) => {
        loaded = null;
        throw error;
      },
    );
    return loaded;
  };
  type Call = (...asked: unknown[]) => Promise<unknown>;
  const call = (method: string | symbol): Call => {
    return async (...asked) => ((await client()) as Record<string | symbol, Call>)[method]?.(...asked);
  };
  return new Proxy({} as Client<S>, { get: (_, method) => call(method) });
}

export const live = createClient(DashboardService, streaming);
export const dashboard = createClient(DashboardService, asking);
export const sites = createClient(SiteService, asking);
export const alerts = later<typeof AlertService>(async () => (await import("../gen/wattmesh/alert/v1/alert_service_pb.ts")).AlertService);
export const metering = later<typeof MeteringService>(async () => (await import("../gen/wattmesh/metering/v1/metering_pb.ts")).MeteringService);
export const planner = later<typeof PlannerService>(async () => (await import("../gen/wattmesh/planner/v1/planner_pb.ts")).PlannerService);
export const control = later<typeof ControlService>(async () => (await import("../gen/wattmesh/control/v1/control_pb.ts")).ControlService);
export const execution = later<typeof ExecutionService>(async () => (await import("../gen/wattmesh/control/v1/execution_pb.ts")).ExecutionService);
export const operator = later<typeof OperatorService>(async () => (await import("../gen/wattmesh/control/v1/operator_pb.ts")).OperatorService);
export const forecast = later<typeof ForecastService>(async () => (await import("../gen/wattmesh/forecast/v1/forecast_pb.ts")).ForecastService);
export const carbon = later<typeof CarbonService>(async () => (await import("../gen/wattmesh/carbon/v1/carbon_pb.ts")).CarbonService);
export const optimizer = later<typeof OptimizerService>(async () => (await import("../gen/wattmesh/optimizer/v1/optimizer_pb.ts")).OptimizerService);
export const analytics = later<typeof AnalyticsService>(async () => (await import("../gen/wattmesh/analytics/v1/analytics_service_pb.ts")).AnalyticsService);
export const operations = later<typeof Operations>(async () => (await import("../gen/google/longrunning/operations_pb.ts")).Operations);
export const usage = later<typeof UsageService>(async () => (await import("../gen/wattmesh/usage/v1/usage_service_pb.ts")).UsageService);
export const identity = later<typeof IdentityService>(async () => (await import("../gen/wattmesh/identity/v1/identity_service_pb.ts")).IdentityService);
