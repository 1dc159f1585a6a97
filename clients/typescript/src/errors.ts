// What a call can fail with: one class for each code, with the reason to switch on.

import { BinaryReader } from "@bufbuild/protobuf/wire";
import { Code, ConnectError } from "@connectrpc/connect";

/** What is wrong with one field of a request. */
export interface Fault {
  /** Its path: `battery.capacity_wh`. */
  field: string;
  description: string;
}

/**
 * An answer that is none.
 *
 * `reason` is the one to switch on: all are in `wattmesh/type/v1/error_reason.proto`, each with what helps. `requestId`
 * finds the call in the services' logs. It is a `ConnectError` as well, so that Connect passes it on as it is.
 */
export class WattmeshError extends ConnectError {
  readonly reason: string;
  /** Further details by name. */
  readonly facts: Readonly<Record<string, string>>;
  readonly faults: readonly Fault[];
  /** When to try again [ms]. */
  readonly retryAfterMs: number | undefined;
  readonly requestId: string;

  constructor(error: ConnectError) {
    super(error.rawMessage, error.code, error.metadata, undefined, error.cause);
    this.details = error.details;
    const found = detailsOf(error);
    this.reason = found.reason;
    this.facts = found.facts;
    this.faults = found.faults;
    this.retryAfterMs = found.retryAfterMs;
    this.requestId = error.metadata.get("x-request-id") ?? "";
  }

  /** By its class: Connect's own error takes everything for one of its kind that looks alike. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && Object.prototype.isPrototypeOf.call(this.prototype, value);
  }
}

/** The request makes no sense; `faults` say where. */
export class InvalidArgument extends WattmeshError {}
/** There is nothing of that name. */
export class NotFound extends WattmeshError {}
/** The name is taken. */
export class AlreadyExists extends WattmeshError {}
/** It cannot be done as things are. */
export class FailedPrecondition extends WattmeshError {}
/** Somebody else was first: read again, and try again. */
export class Aborted extends WattmeshError {}
/** The caller may not do that. */
export class PermissionDenied extends WattmeshError {}
/** Nobody knows the caller. */
export class Unauthenticated extends WattmeshError {}
/** Too much at once; `retryAfterMs` says when there is room. */
export class ResourceExhausted extends WattmeshError {}
/** The service, or one that it needs, is away. */
export class Unavailable extends WattmeshError {}
/** No answer in time. */
export class DeadlineExceeded extends WattmeshError {}
/** The service does not serve that. */
export class Unimplemented extends WattmeshError {}

const CLASSES: ReadonlyMap<Code, typeof WattmeshError> = new Map([
  [Code.InvalidArgument, InvalidArgument],
  [Code.OutOfRange, InvalidArgument],
  [Code.NotFound, NotFound],
  [Code.AlreadyExists, AlreadyExists],
  [Code.FailedPrecondition, FailedPrecondition],
  [Code.Aborted, Aborted],
  [Code.PermissionDenied, PermissionDenied],
  [Code.Unauthenticated, Unauthenticated],
  [Code.ResourceExhausted, ResourceExhausted],
  [Code.Unavailable, Unavailable],
  [Code.DeadlineExceeded, DeadlineExceeded],
  [Code.Unimplemented, Unimplemented],
]);

/** What failed, as the class of its code. */
export function errorOf(reason: unknown): WattmeshError {
  if (reason instanceof WattmeshError) return reason;
  const error = ConnectError.from(reason);
  return new (CLASSES.get(error.code) ?? WattmeshError)(error);
}

interface Details {
  reason: string;
  facts: Record<string, string>;
  faults: Fault[];
  retryAfterMs: number | undefined;
}

/** The details of `google.rpc` that are understood; their contract is read here, for it is not among ours. */
function detailsOf(error: ConnectError): Details {
  const found: Details = { reason: "", facts: {}, faults: [], retryAfterMs: undefined };
  for (const detail of error.details) {
    if (!("type" in detail)) continue;
    try {
      if (detail.type === "google.rpc.ErrorInfo") readInfo(detail.value, found);
      if (detail.type === "google.rpc.BadRequest") readFaults(detail.value, found);
      if (detail.type === "google.rpc.RetryInfo") readRetry(detail.value, found);
    } catch {
      // What cannot be read is left out: the code and the message stay.
    }
  }
  return found;
}

/** Calls `take` with the number of each field of a message, which may read it; what it does not read is skipped. */
function read(bytes: Uint8Array, take: (field: number, reader: BinaryReader) => boolean): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (!take(field, reader)) reader.skip(wire, field);
  }
}

function texts(bytes: Uint8Array): Record<number, string> {
  const found: Record<number, string> = {};
  read(bytes, (field, reader) => {
    found[field] = reader.string();
    return true;
  });
  return found;
}

function readInfo(bytes: Uint8Array, into: Details): void {
  read(bytes, (field, reader) => {
    if (field === 1) into.reason = reader.string();
    else if (field === 3) {
      const entry = texts(reader.bytes());
      into.facts[entry[1] ?? ""] = entry[2] ?? "";
    } else return false;
    return true;
  });
}

function readFaults(bytes: Uint8Array, into: Details): void {
  read(bytes, (field, reader) => {
    if (field !== 1) return false;
    let fault: Fault = { field: "", description: "" };
    read(reader.bytes(), (number, inner) => {
      if (number === 1) fault = { ...fault, field: inner.string() };
      else if (number === 2) fault = { ...fault, description: inner.string() };
      else return false;
      return true;
    });
    into.faults.push(fault);
    return true;
  });
}

function readRetry(bytes: Uint8Array, into: Details): void {
  read(bytes, (field, reader) => {
    if (field !== 1) return false;
    let ms = 0;
    read(reader.bytes(), (number, inner) => {
      if (number === 1) ms += Number(inner.int64()) * 1000;
      else if (number === 2) ms += inner.int32() / 1e6;
      else return false;
      return true;
    });
    into.retryAfterMs = ms;
    return true;
  });
}
