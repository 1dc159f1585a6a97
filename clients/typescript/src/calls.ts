// What every call gets: who calls, an id to find it by, an id that makes it repeatable, tries again, and errors with names.

import { Code, type Interceptor, type StreamResponse, type Transport, type UnaryRequest, type UnaryResponse } from "@connectrpc/connect";
import { errorOf, Unavailable, WattmeshError } from "./errors.ts";

/** Of a call that names none [ms]. */
export const DEADLINE_MS = 10_000;
const MOST_TRIES = 4;

/** An access token or API key, or what gives the present one. */
export type Token = string | (() => string | Promise<string>);

export interface Calling {
  token?: Token | undefined;
}

/** The interceptor of every transport. */
export function calls({ token }: Calling): Interceptor {
  return (next) => async (request) => {
    const given = typeof token === "function" ? await token() : token;
    if (given) request.header.set("authorization", `Bearer ${given}`);
    if (!request.header.has("x-request-id")) request.header.set("x-request-id", crypto.randomUUID().replaceAll("-", ""));
    if (request.stream) return named(() => next(request) as Promise<StreamResponse>);
    makeRepeatable(request);
    return tried(() => named(() => next(request) as Promise<UnaryResponse>), request.signal);
  };
}

/** A transport whose default deadline holds for calls: a stream goes on for as long as somebody listens. */
export function patient(transport: Transport): Transport {
  return {
    unary: (...asked) => transport.unary(...asked),
    stream: (method, signal, timeoutMs, ...rest) => transport.stream(method, signal, timeoutMs ?? 0, ...rest),
  };
}

/** A request that creates or commands gets an id: then a repeat changes nothing. */
function makeRepeatable(request: UnaryRequest): void {
  if (request.method.input.field["requestId"] === undefined) return;
  const message = request.message as unknown as { requestId: string };
  if (message.requestId === "") message.requestId = crypto.randomUUID().replaceAll("-", "");
}

/** Again while the service is away, with growing waits, for as long as the caller waits. */
async function tried<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof Unavailable) || tries >= MOST_TRIES || signal.aborted) throw error;
      await pause(Math.min(1000, 100 * 2 ** (tries - 1)) * (0.5 + Math.random() / 2), signal);
    }
  }
}

async function named<T extends UnaryResponse | StreamResponse>(call: () => Promise<T>): Promise<T> {
  try {
    const response = await call();
    return response.stream ? ({ ...response, message: renamed(response.message) } as T) : response;
  } catch (error) {
    throw errorOf(error);
  }
}

async function* renamed<T>(messages: AsyncIterable<T>): AsyncIterable<T> {
  try {
    yield* messages;
  } catch (error) {
    throw errorOf(error);
  }
}

/** Waits, or until the signal. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
    if (signal?.aborted) done();
  });
}

/** Whether a stream that failed so may be opened again. */
export function mayReturn(error: WattmeshError): boolean {
  return error.code === Code.Unavailable || error.code === Code.Aborted;
}
