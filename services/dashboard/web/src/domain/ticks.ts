// The five ticks of a setpoint: planned, sent, acknowledged, read back, metered effect.

import { CommandState } from "../gen/wattmesh/control/v1/control_pb.ts";
import { Effect } from "../gen/wattmesh/control/v1/effect_pb.ts";
import type { ExecutionStep } from "../gen/wattmesh/control/v1/execution_pb.ts";
import { BASES, EFFECT_REASONS, EFFECTS, STATES } from "./words.ts";

export type TickState = "done" | "failed" | "partial" | "waiting" | "unknown" | "skipped";

export interface Tick {
  name: string;
  state: TickState;
  /** When it came about; absent: it did not, or that is not kept. */
  time?: { seconds: bigint; nanos: number };
  /** What is said of it, in words. */
  words: string;
}

const FAILED = new Set([CommandState.REFUSED, CommandState.FAILED, CommandState.EXPIRED]);
const OVER = new Set([CommandState.SUPERSEDED, CommandState.CANCELLED]);

export function ticks(step: ExecutionStep): Tick[] {
  const command = step.command;
  if (command === undefined) return [];
  const failed = FAILED.has(command.state);
  const over = OVER.has(command.state);
  const why = command.message || STATES[command.state];
  let blamed = false;
  const tick = (name: string, time: Tick["time"], words: string): Tick => {
    if (time !== undefined) return { name, state: "done", time, words };
    if (failed && !blamed) {
      blamed = true;
      return { name, state: "failed", words: why };
    }
    const state = failed || over ? "skipped" : "waiting";
    return { name, state, words: over ? why : "not yet" };
  };
  const planned = tick("Planned", command.createTime, "asked of control");
  return [
    planned,
    tick("Sent", command.dispatchTime, "sent to the gateway"),
    tick("Acknowledged", command.applyTime, "the device took it"),
    tick("Read back", command.verifyTime, "the register holds it"),
    effect(step, failed || over),
  ];
}

function effect(step: ExecutionStep, ended: boolean): Tick {
  const verdict = step.command?.effectVerdict;
  const name = "Effect";
  if (verdict === undefined || verdict.effect === Effect.UNSPECIFIED) {
    const applied = step.command?.applyTime !== undefined;
    const state = ended && !applied ? "skipped" : "waiting";
    return { name, state, words: ended && !applied ? "never applied" : "not metered yet" };
  }
  const reason = EFFECT_REASONS[verdict.reason];
  const said = `${EFFECTS[verdict.effect]}${reason ? `: ${reason}` : ""} (${BASES[verdict.basis]})`;
  const states: Partial<Record<Effect, TickState>> = {
    [Effect.CONFIRMED]: "done",
    [Effect.PARTIAL]: "partial",
    [Effect.UNKNOWN]: "unknown",
  };
  const state = states[verdict.effect] ?? "failed";
  return { name, state, time: verdict.verdictTime, words: said };
}

/** How badly a setpoint went: what failed comes first. */
export function rank(list: readonly Tick[]): number {
  if (list.some((tick) => tick.state === "failed")) return 0;
  if (list.some((tick) => tick.state === "partial")) return 1;
  if (list.some((tick) => tick.state === "unknown")) return 3;
  if (list.some((tick) => tick.state === "waiting")) return 2;
  return list.some((tick) => tick.state === "skipped") ? 4 : 5;
}
