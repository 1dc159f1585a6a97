// The services, typed by their contracts, through the dashboard's own door.

import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { AlertService } from "../gen/wattmesh/alert/v1/alert_service_pb.ts";
import { AnalyticsService } from "../gen/wattmesh/analytics/v1/analytics_service_pb.ts";
import { CarbonService } from "../gen/wattmesh/carbon/v1/carbon_pb.ts";
import { ControlService } from "../gen/wattmesh/control/v1/control_pb.ts";
import { ExecutionService } from "../gen/wattmesh/control/v1/execution_pb.ts";
import { OperatorService } from "../gen/wattmesh/control/v1/operator_pb.ts";
import { DashboardService } from "../gen/wattmesh/dashboard/v1/dashboard_service_pb.ts";
import { ForecastService } from "../gen/wattmesh/forecast/v1/forecast_pb.ts";
import { MeteringService } from "../gen/wattmesh/metering/v1/metering_pb.ts";
import { OptimizerService } from "../gen/wattmesh/optimizer/v1/optimizer_pb.ts";
import { PlannerService } from "../gen/wattmesh/planner/v1/planner_pb.ts";
import { SiteService } from "../gen/wattmesh/site/v1/site_service_pb.ts";
import { UsageService } from "../gen/wattmesh/usage/v1/usage_service_pb.ts";

const UNARY_TIMEOUT_MS = 10_000;

const streaming = createConnectTransport({ baseUrl: location.origin, useBinaryFormat: true });

/** A stream has no deadline; what is asked once has. */
const asking = createConnectTransport({
  baseUrl: location.origin,
  useBinaryFormat: true,
  defaultTimeoutMs: UNARY_TIMEOUT_MS,
});

export const live = createClient(DashboardService, streaming);
export const dashboard = createClient(DashboardService, asking);
export const sites = createClient(SiteService, asking);
export const metering = createClient(MeteringService, asking);
export const planner = createClient(PlannerService, asking);
export const control = createClient(ControlService, asking);
export const execution = createClient(ExecutionService, asking);
export const operator = createClient(OperatorService, asking);
export const forecast = createClient(ForecastService, asking);
export const carbon = createClient(CarbonService, asking);
export const optimizer = createClient(OptimizerService, asking);
export const analytics = createClient(AnalyticsService, asking);
export const alerts = createClient(AlertService, asking);
export const usage = createClient(UsageService, asking);
