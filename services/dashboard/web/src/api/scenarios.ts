// Past time over again, as long work of analytics: asked for once, then looked at until it is done.

import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { withForesight, type Movable } from "../domain/foresight.ts";
import type { Operation } from "../gen/google/longrunning/operations_pb.ts";
import { RunScenarioMetadataSchema, ScenarioPolicy, ScenarioResultSchema, type ScenarioResult } from "../gen/wattmesh/analytics/v1/scenario_pb.ts";
import { duration, range } from "../lib/time.ts";
import { words } from "./errors.ts";
import { analytics, operations } from "./transport.ts";

export type Run =
  | { state: "unasked" }
  | { state: "running"; ratio: number; stage: string }
  | { state: "done"; result: ScenarioResult }
  | { state: "failed"; why: string };

const LOOK_MS = 1000;

/** What perfect foresight of batteries and of what else is moved would have come to at a site; nothing is computed
 * before `ask` is called. */
export function useForesight(
  site: string,
  start: number,
  end: number,
  resolution: number,
  moved: readonly Movable[],
): { run: Run; ask: () => void } {
  const client = useQueryClient();
  const question = [site, start, end, ...[...moved].sort()].join(" ");
  const [wanted, setWanted] = useState({ question: "", attempt: 0 });
  const attempt = wanted.question === question ? wanted.attempt : 0;
  const key = ["foresight", question, attempt];
  const asked = wanted.question === question || client.getQueryData(key) !== undefined;
  const begun = useQuery({
    queryKey: key,
    queryFn: async () => {
      const scenario = {
        site,
        range: range(start, end),
        resolution: duration(resolution),
        policy: ScenarioPolicy.FORESIGHT,
        ...withForesight(moved),
      };
      // The same question gets the operation that was begun for it, whoever asked first.
      const requestId = `page ${question}${attempt === 0 ? "" : ` ${crypto.randomUUID()}`}`;
      return (await analytics.runScenario({ scenario, requestId })).operation;
    },
    enabled: asked,
    staleTime: Infinity,
    retry: false,
  });
  const looked = useQuery({
    queryKey: ["operation", begun.data],
    queryFn: ({ signal }) => operations.getOperation({ name: begun.data ?? "" }, { signal }),
    enabled: asked && begun.data !== undefined,
    staleTime: Infinity,
    refetchInterval: ({ state }) => (state.data?.done === true ? false : LOOK_MS),
  });
  const ask = (): void => setWanted({ question, attempt: asked ? attempt + 1 : attempt });
  return { run: asked ? runOf(begun.error ?? looked.error, looked.data) : { state: "unasked" }, ask };
}

function runOf(error: Error | null, operation: Operation | undefined): Run {
  if (error !== null) return { state: "failed", why: words(error) };
  if (operation?.result.case === "error") return { state: "failed", why: operation.result.value.message };
  if (operation?.result.case === "response") {
    const result = anyUnpack(operation.result.value, ScenarioResultSchema);
    return result === undefined ? { state: "failed", why: "the answer is none that this page knows" } : { state: "done", result };
  }
  const told = operation?.metadata === undefined ? undefined : anyUnpack(operation.metadata, RunScenarioMetadataSchema);
  return { state: "running", ratio: told?.progressRatio ?? 0, stage: told?.stage || "waiting for its turn" };
}
