// The proof: of each setpoint whether it was sent, taken, read back, and seen by a meter.

import { useQuery } from "@tanstack/react-query";
import { Fragment, useMemo, useState } from "react";
import { execution } from "../api/transport.ts";
import { rank, ticks, type Tick } from "../domain/ticks.ts";
import { EFFECT_REASONS, every, SETPOINTS, spoken } from "../domain/words.ts";
import { Effect } from "../gen/wattmesh/control/v1/effect_pb.ts";
import { ExecutionCause, type ExecutionStep } from "../gen/wattmesh/control/v1/execution_pb.ts";
import type { Site } from "../gen/wattmesh/site/v1/site_pb.ts";
import { SetpointKind } from "../gen/wattmesh/type/v1/setpoint_pb.ts";
import { clock, clockSeconds, day, energy, number, percent, power, shortName, span, type Locale } from "../lib/format.ts";
import { ceilTo, HOUR, optionalMs, range, toMs } from "../lib/time.ts";
import { useInterval, usePicture } from "../live/hooks.ts";
import { Asked, Card, Empty, Figure } from "../parts/bits.tsx";
import { localeOf, siteTitle, useSite, useTitles } from "../parts/pages.ts";

const SPANS = [6, 12, 24, 48];
const STEP = HOUR / 4;

export default function ProofPage() {
  const site = useSite();
  return site === undefined ? <Empty>Loading…</Empty> : <Proof key={site.name} site={site} />;
}

function Proof({ site }: { site: Site }) {
  const at = localeOf(site);
  const title = useTitles(site.name);
  const [hours, setHours] = useState(12);
  const [device, setDevice] = useState("");
  const [owner, setOwner] = useState("");
  const [plan, setPlan] = useState("");
  const [failed, setFailed] = useState(false);
  const tick = useInterval(STEP);
  const turn = usePicture((picture) => picture.turns.commands);
  const asked = useQuery({
    // Asked again when a command of the site has moved.
    queryKey: ["execution", site.name, hours, tick, turn],
    queryFn: ({ signal }) => {
      const end = ceilTo(tick ?? 0, STEP) + STEP;
      const subject = { case: "device", value: `${site.name}/devices/-` } as const;
      return execution.getExecution({ subject, range: range(end - hours * HOUR, end) }, { signal });
    },
    enabled: tick !== null,
    placeholderData: (before) => before,
  });
  const steps = asked.data?.steps ?? [];
  const options = useMemo(() => choices(steps), [steps]);
  const shown = useMemo(() => {
    const rows = steps
      .map((step) => ({ step, list: ticks(step) }))
      .filter(({ step, list }) => {
        const command = step.command;
        return (
          (device === "" || command?.device === device) &&
          (owner === "" || command?.owner === owner) &&
          (plan === "" || command?.source === plan) &&
          (!failed || rank(list) === 0)
        );
      });
    return rows.sort((one, other) => worst(one.list) - worst(other.list) || startOf(other.step) - startOf(one.step));
  }, [steps, device, owner, plan, failed]);
  return (
    <div className="page">
      <div className="title">
        <h1>Proof for {siteTitle(site)}</h1>
        <span className="muted small">what was planned, and whether a meter saw it</span>
      </div>
      <div className="filters" role="group" aria-label="Filters">
        <label className="field">
          <span>Time</span>
          <select className="select" value={hours} onChange={(event) => setHours(Number(event.target.value))}>
            {SPANS.map((each) => (
              <option key={each} value={each}>
                last {each} h
              </option>
            ))}
          </select>
        </label>
        <Choice name="Device" value={device} of={options.devices} title={title} onChange={setDevice} />
        <Choice name="Owner" value={owner} of={options.owners} onChange={setOwner} />
        <Choice name="Plan" value={plan} of={options.plans} onChange={setPlan} />
        <label className="check">
          <input type="checkbox" checked={failed} onChange={(event) => setFailed(event.target.checked)} />
          Only failures
        </label>
      </div>
      <Asked of={asked}>
        {(data) => (
          <div className="stack">
            <Summary steps={steps} planned={data.plannedEnergyKwh} metered={data.meteredEnergyKwh} differences={data.differences} />
            {data.truncated && <p className="notice">There are more than fit: choose a shorter time.</p>}
            <Card flush>
              {shown.length === 0 ? (
                <Empty>{failed ? "No failures in this time." : "No setpoints in this time."}</Empty>
              ) : (
                <ul className="proofs">
                  {shown.map(({ step, list }) => (
                    <Row key={step.command?.name} step={step} list={list} title={title} at={at} />
                  ))}
                </ul>
              )}
            </Card>
          </div>
        )}
      </Asked>
    </div>
  );
}

/** Failures first, then what came only partly; everything else in order of time. */
function worst(list: readonly Tick[]): number {
  return Math.min(rank(list), 2);
}

function startOf(step: ExecutionStep): number {
  return optionalMs(step.plannedRange?.startTime) ?? 0;
}

function choices(steps: readonly ExecutionStep[]): Record<"devices" | "owners" | "plans", string[]> {
  const unique = (values: Array<string | undefined>): string[] =>
    [...new Set(values.filter((value) => value !== undefined && value !== ""))] as string[];
  return {
    devices: unique(steps.map((step) => step.command?.device)).sort(),
    owners: unique(steps.map((step) => step.command?.owner)).sort(),
    plans: unique(steps.map((step) => step.command?.source)).reverse(),
  };
}

interface ChoiceProps {
  name: string;
  value: string;
  of: readonly string[];
  title?: (name: string) => string;
  onChange: (value: string) => void;
}

function Choice({ name, value, of, title = shortName, onChange }: ChoiceProps) {
  return (
    <label className="field">
      <span>{name}</span>
      <select className="select narrow" value={value} onChange={(event) => onChange(event.target.value)}>
        <option value="">all</option>
        {of.map((each) => (
          <option key={each} value={each}>
            {title(each)}
          </option>
        ))}
      </select>
    </label>
  );
}

const CAUSES = every<ExecutionCause, string>(ExecutionCause, spoken, {
  [ExecutionCause.UNSPECIFIED]: "other",
  [ExecutionCause.LIMITED]: "limits",
  [ExecutionCause.CUT_SHORT]: "cut short",
  [ExecutionCause.NOT_CARRIED_OUT]: "not carried out",
  [ExecutionCause.MOVED]: "moved by the meter",
  [ExecutionCause.EFFECT]: "the device did otherwise",
});

interface SummaryProps {
  steps: readonly ExecutionStep[];
  planned: number;
  metered: number;
  differences: ReadonlyArray<{ cause: ExecutionCause; energyKwh: number }>;
}

function Summary({ steps, planned, metered, differences }: SummaryProps) {
  const count = (effect: Effect): number =>
    steps.filter((step) => step.command?.effectVerdict?.effect === effect).length;
  const failed = steps.filter((step) => rank(ticks(step)) === 0).length;
  const confirmed = count(Effect.CONFIRMED);
  return (
    <Card>
      <dl className="figures">
        <Figure name="Setpoints">{number(steps.length, 0)}</Figure>
        <Figure name="Confirmed by a meter" note={steps.length > 0 ? percent(confirmed / steps.length) : undefined}>
          {number(confirmed, 0)}
        </Figure>
        <Figure name="Only partly">{number(count(Effect.PARTIAL), 0)}</Figure>
        <Figure name="Meters cannot say">{number(count(Effect.UNKNOWN), 0)}</Figure>
        <Figure name="Failed">
          <span className={failed > 0 ? "bad" : undefined}>{number(failed, 0)}</span>
        </Figure>
        <Figure
          name="Metered less planned"
          note={differences
            .filter((each) => Math.abs(each.energyKwh) >= 0.005)
            .map((each) => `${CAUSES[each.cause]} ${energy(each.energyKwh)}`)
            .join(", ")}
        >
          {energy(metered - planned)}
        </Figure>
      </dl>
    </Card>
  );
}

const MARKS: Record<Tick["state"], string> = {
  done: "✓",
  failed: "✕",
  partial: "~",
  waiting: "·",
  unknown: "?",
  skipped: "–",
};

interface RowProps {
  step: ExecutionStep;
  list: readonly Tick[];
  title: (name: string) => string;
  at: Locale;
}

function Row({ step, list, title, at }: RowProps) {
  const command = step.command;
  if (command === undefined) return null;
  const start = optionalMs(step.plannedRange?.startTime) ?? 0;
  const end = optionalMs(step.plannedRange?.endTime) ?? start;
  const kind = SETPOINTS[command.kind];
  const watts = command.kind === SetpointKind.ACTIVE_POWER_W;
  const value = (of: number): string => (watts ? power(of, at.locale) : `${number(of, 0, at.locale)} ${kind.unit}`);
  const bad = rank(list) === 0;
  const verdict = command.effectVerdict;
  const said = (bad && command.message) || (verdict && EFFECT_REASONS[verdict.reason]) || "";
  return (
    <li>
      <details className={bad ? "amiss" : undefined}>
        <summary>
          <span className="what">
            <strong>{title(command.device)}</strong>{" "}
            <span className="muted nowrap">
              {day(start, at)} {span(start, end, at)}
            </span>
          </span>
          <span className="asked">
            {value(command.value)}
            {Math.abs(command.requestedValue - command.value) > 0.5 && (
              <span className="tag warn">asked {value(command.requestedValue)}</span>
            )}
            {said !== "" && <span className="muted small">{said}</span>}
          </span>
          <span className="ticks">
            {list.map((tick) => (
              <span key={tick.name} className={`tick ${tick.state}`}>
                <b aria-hidden="true">{MARKS[tick.state]}</b>
                <span>
                  {tick.name}
                  <span className="hidden">: {tick.state}</span>
                </span>
              </span>
            ))}
          </span>
        </summary>
        <Details step={step} list={list} at={at} value={value} />
      </details>
    </li>
  );
}

interface DetailsProps {
  step: ExecutionStep;
  list: readonly Tick[];
  at: Locale;
  value: (of: number) => string;
}

function Details({ step, list, at, value }: DetailsProps) {
  const command = step.command;
  const verdict = command?.effectVerdict;
  return (
    <div className="details">
      <dl className="steps">
        {list.map((tick) => (
          <Fragment key={tick.name}>
            <dt>{tick.name}</dt>
            <dd>
              {tick.time !== undefined && `${clockSeconds(toMs(tick.time), at)}: `}
              {tick.words}
              {tick.name === "Read back" && command?.readBackValue !== undefined && ` (${value(command.readBackValue)})`}
            </dd>
          </Fragment>
        ))}
        <dt>Energy</dt>
        <dd>
          planned {step.plannedEnergyKwh === undefined ? "–" : energy(step.plannedEnergyKwh, at.locale)}, metered{" "}
          {step.meteredEnergyKwh === undefined ? "–" : energy(step.meteredEnergyKwh, at.locale)}
          {step.differences.map((each, place) => (
            <span key={place}>
              {" "}
              · {CAUSES[each.cause]} {energy(each.energyKwh, at.locale)} {each.message !== "" && `(${each.message})`}
            </span>
          ))}
        </dd>
        {verdict?.meteredPowerW !== undefined && (
          <>
            <dt>Meter</dt>
            <dd>
              saw {power(verdict.meteredPowerW, at.locale)}
              {verdict.askedPowerW !== undefined && ` of ${power(verdict.askedPowerW, at.locale)} asked`}
              {verdict.confidenceRatio > 0 && `, ${percent(verdict.confidenceRatio)} sure`}
              {!verdict.final && ", not final"}
            </dd>
          </>
        )}
        <dt>Asked by</dt>
        <dd>
          {command?.owner} · {command?.source} · priority {command?.priority}
        </dd>
        {step.events.map((event, place) => (
          <Fragment key={place}>
            <dt>Event</dt>
            <dd>
              {event.eventTime !== undefined && clock(toMs(event.eventTime), at)} {event.message}
            </dd>
          </Fragment>
        ))}
      </dl>
    </div>
  );
}
