// A mesh, by its contracts.

import type { DescService } from "@bufbuild/protobuf";
import { createClient, type CallOptions, type Client, type Transport } from "@connectrpc/connect";
import { Code, ConnectError } from "@connectrpc/connect";
import { mayReturn, pause } from "./calls.ts";
import { errorOf, WattmeshError } from "./errors.ts";
import { AlertService } from "./gen/wattmesh/alert/v1/alert_service_pb.ts";
import { AnalyticsService } from "./gen/wattmesh/analytics/v1/analytics_service_pb.ts";
import { CarbonService } from "./gen/wattmesh/carbon/v1/carbon_pb.ts";
import { ControlService } from "./gen/wattmesh/control/v1/control_pb.ts";
import { ExecutionService } from "./gen/wattmesh/control/v1/execution_pb.ts";
import { OperatorService } from "./gen/wattmesh/control/v1/operator_pb.ts";
import { DashboardService } from "./gen/wattmesh/dashboard/v1/dashboard_service_pb.ts";
import { ForecastService } from "./gen/wattmesh/forecast/v1/forecast_pb.ts";
import { GatewayService } from "./gen/wattmesh/gateway/v1/gateway_pb.ts";
import { MeteringService } from "./gen/wattmesh/metering/v1/metering_pb.ts";
import { OptimizerService } from "./gen/wattmesh/optimizer/v1/optimizer_pb.ts";
import { PlannerService } from "./gen/wattmesh/planner/v1/planner_pb.ts";
import { SiteService } from "./gen/wattmesh/site/v1/site_service_pb.ts";
import { StatusService } from "./gen/wattmesh/status/v1/status_pb.ts";
import { UsageService } from "./gen/wattmesh/usage/v1/usage_service_pb.ts";
import { ms } from "./values.ts";

const LONGEST_WAIT_MS = 10_000;

/** The service behind a name, as what its calls travel by. */
export type Transports = (service: string) => Transport;

/** What a page lists: its one repeated field of messages. */
export type ItemOf<Page> = {
  [Key in keyof Page]: Key extends `$${string}` ? never : Page[Key] extends ReadonlyArray<infer Item> ? (Item extends object ? Item : never) : never;
}[keyof Page];

export interface Watching {
  /** Ends the watch. */
  signal?: AbortSignal;
  /** Hears of each break. */
  lost?: (error: WattmeshError) => void;
}

/** Clients by what they are about; each is made when it is first asked for. */
export class Wattmesh {
  readonly #transports: Transports;
  readonly #made = new Map<string, unknown>();

  constructor(transports: Transports) {
    this.#transports = transports;
  }

  /** Sites, assets, devices, groups and tariffs. */
  get sites(): Client<typeof SiteService> {
    return this.client("metering", SiteService);
  }
  /** Readings, series, energy. */
  get metering(): Client<typeof MeteringService> {
    return this.client("metering", MeteringService);
  }
  /** Plans. */
  get planner(): Client<typeof PlannerService> {
    return this.client("planner", PlannerService);
  }
  /** Commands and limits. */
  get control(): Client<typeof ControlService> {
    return this.client("control", ControlService);
  }
  /** The proof: plan, command, acknowledgement, read-back and metered effect as one record. */
  get executions(): Client<typeof ExecutionService> {
    return this.client("control", ExecutionService);
  }
  /** Holds, emergency stops, dry runs. */
  get operator(): Client<typeof OperatorService> {
    return this.client("control", OperatorService);
  }
  /** Forecasts and models. */
  get forecast(): Client<typeof ForecastService> {
    return this.client("forecast", ForecastService);
  }
  /** Intensities, footprints, clean windows. */
  get carbon(): Client<typeof CarbonService> {
    return this.client("carbon", CarbonService);
  }
  /** Solving and explaining. */
  get optimizer(): Client<typeof OptimizerService> {
    return this.client("optimizer", OptimizerService);
  }
  /** Bills, savings, indicators. */
  get analytics(): Client<typeof AnalyticsService> {
    return this.client("analytics", AnalyticsService);
  }
  /** Alerts and silences. */
  get alerts(): Client<typeof AlertService> {
    return this.client("alerting", AlertService);
  }
  /** What people need: vehicles, zones, runs. */
  get usage(): Client<typeof UsageService> {
    return this.client("usage", UsageService);
  }
  /** A gateway's status and device profiles. */
  get gateway(): Client<typeof GatewayService> {
    return this.client("gateway", GatewayService);
  }
  /** What pages show, live, as one stream. */
  get dashboard(): Client<typeof DashboardService> {
    return this.client("dashboard", DashboardService);
  }
  /** Whether a service can work, by its name. */
  status(service: string): Client<typeof StatusService> {
    return this.client(service, StatusService);
  }

  /** The client of any service of the contracts. */
  client<S extends DescService>(service: string, contract: S): Client<S> {
    const key = `${service}/${contract.typeName}`;
    let made = this.#made.get(key) as Client<S> | undefined;
    if (made === undefined) {
      made = createClient(contract, this.#transports(service));
      this.#made.set(key, made);
    }
    return made;
  }

  /** What the mesh's clock shows [ms]: a simulated one shares it with no clock on the wall. */
  async now(): Promise<number> {
    const { meshTime } = await this.status("metering").getCatalogue({});
    if (meshTime === undefined) throw new ConnectError("the mesh says no time", Code.Internal);
    return ms(meshTime);
  }

  /** The items of a list, page by page: `mesh.each(mesh.sites.listSites, {})`. */
  async *each<Request, Page extends { nextPageToken: string }>(
    method: (request: Request, options?: CallOptions) => Promise<Page>,
    request: Request,
    options?: CallOptions,
  ): AsyncGenerator<ItemOf<Page>> {
    let pageToken = "";
    do {
      const page = await method({ ...request, ...(pageToken === "" ? {} : { pageToken }) }, options);
      yield* itemsOf(page);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  /**
   * What a stream says, for ever; one that breaks is opened again, with growing waits.
   *
   * It then goes on behind what was heard where the stream can (`knownRevision`), and otherwise tells all there is first.
   * Throws what another try would not help.
   */
  async *watch<Request, Answer>(
    method: (request: Request, options?: CallOptions) => AsyncIterable<Answer>,
    request: Request,
    { signal, lost }: Watching = {},
  ): AsyncGenerator<Answer> {
    let last: Answer | undefined;
    let failures = 0;
    while (!isOver(signal)) {
      let error: WattmeshError;
      try {
        for await (const answer of method(resumed(request, last), signal === undefined ? {} : { signal })) {
          last = answer;
          failures = 0;
          yield answer;
        }
        error = errorOf(new ConnectError("the stream ended", Code.Unavailable));
      } catch (broken) {
        if (isOver(signal)) return;
        error = errorOf(broken);
        if (!mayReturn(error)) throw error;
      }
      lost?.(error);
      failures += 1;
      await pause(Math.min(LONGEST_WAIT_MS, 100 * 2 ** failures) * (0.5 + Math.random() / 2), signal);
    }
  }
}

function isOver(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function itemsOf<Page extends object>(page: Page): Array<ItemOf<Page>> {
  const lists = Object.entries(page).filter(([key, value]) => !key.startsWith("$") && Array.isArray(value));
  if (lists.length !== 1) throw new TypeError("that is no page of a list");
  return lists[0]?.[1] as Array<ItemOf<Page>>;
}

function resumed<Request, Answer>(request: Request, last: Answer | undefined): Request {
  const revision = (last as { revision?: unknown } | undefined)?.revision;
  return typeof revision === "bigint" ? { ...request, knownRevision: revision } : request;
}
