// In a browser: everything through the dashboard's door, which serves what its pages may ask.

import type { Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { calls, DEADLINE_MS, patient, type Token } from "./calls.ts";
import { Wattmesh } from "./mesh.ts";

export * from "./index.ts";

export interface Door {
  /** The dashboard's address, `http://host:port`. */
  baseUrl: string;
  token?: Token;
  /** Of a call that names none [ms]. */
  deadlineMs?: number;
  interceptors?: Interceptor[];
}

export function connect(door: Door): Wattmesh {
  const transport = createConnectTransport({
    baseUrl: door.baseUrl,
    useBinaryFormat: true,
    defaultTimeoutMs: door.deadlineMs ?? DEADLINE_MS,
    interceptors: [calls(door), ...(door.interceptors ?? [])],
  });
  return new Wattmesh(() => patient(transport));
}
