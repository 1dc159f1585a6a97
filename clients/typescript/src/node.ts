// In Node: gRPC to the services themselves.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Interceptor, Transport } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { calls, DEADLINE_MS, patient, type Token } from "./calls.ts";
import { Wattmesh } from "./mesh.ts";

export * from "./index.ts";

/** PEM texts: whom to trust, and what to show (both of the last, or neither). */
export interface Certificates {
  ca: string;
  certificate?: string;
  key?: string;
}

export interface Connection {
  /** host:port by service (`metering`, `planner`, …), or one text with `{service}` in it. */
  targets: string | Readonly<Record<string, string>>;
  token?: Token;
  /** Absent: plaintext. */
  certificates?: Certificates;
  /** Of a call that names none [ms]. */
  deadlineMs?: number;
  interceptors?: Interceptor[];
}

/** A mesh whose connections are closed when nobody needs them any more. */
export class ConnectedMesh extends Wattmesh {
  readonly #sessions: Map<string, Http2SessionManager>;

  constructor(connection: Connection) {
    const sessions = new Map<string, Http2SessionManager>();
    super((service) => dialled(connection, service, sessions));
    this.#sessions = sessions;
  }

  /** Close all connections: a program that has ended its work ends. */
  close(): void {
    for (const session of this.#sessions.values()) session.abort();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** A mesh, by where its services are. */
export function connect(connection: Connection): ConnectedMesh {
  return new ConnectedMesh(connection);
}

/** The way to the mesh that `wattmesh up` runs on this machine. */
export function localMesh(state = process.env["WATTMESH_STATE"] ?? ".wattmesh"): Connection {
  const found = JSON.parse(readFileSync(join(state, "run", "mesh.json"), "utf8")) as { targets: Record<string, string>; identity?: string | null };
  const shown = found.identity;
  if (shown == null) return { targets: found.targets };
  const read = (name: string): string => readFileSync(join(shown, name), "utf8");
  return { targets: found.targets, certificates: { ca: read("ca.crt"), certificate: read("tls.crt"), key: read("tls.key") } };
}

function dialled(connection: Connection, service: string, sessions: Map<string, Http2SessionManager>): Transport {
  const { targets, certificates } = connection;
  const target = typeof targets === "string" ? targets.replaceAll("{service}", service) : targets[service];
  if (target === undefined) throw new RangeError(`nothing is said of where ${service} is`);
  const baseUrl = `${certificates === undefined ? "http" : "https"}://${target}`;
  const nodeOptions = certificates && { ca: certificates.ca, cert: certificates.certificate, key: certificates.key };
  let session = sessions.get(baseUrl);
  if (session === undefined) {
    session = new Http2SessionManager(baseUrl, { pingIntervalMs: 30_000, pingTimeoutMs: 10_000 }, nodeOptions);
    sessions.set(baseUrl, session);
  }
  return patient(
    createGrpcTransport({
      baseUrl,
      sessionManager: session,
      defaultTimeoutMs: connection.deadlineMs ?? DEADLINE_MS,
      interceptors: [calls(connection), ...(connection.interceptors ?? [])],
    }),
  );
}
