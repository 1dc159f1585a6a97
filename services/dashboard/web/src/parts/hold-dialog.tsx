// Holding a value on a device: tried first, then confirmed.

import { useState } from "react";
import { words } from "../api/errors.ts";
import { useAssets, useDevices } from "../api/queries.ts";
import { operator } from "../api/transport.ts";
import { every, SETPOINTS, spoken } from "../domain/words.ts";
import { Outcome } from "../gen/wattmesh/control/v1/control_pb.ts";
import type { DryRunInterval } from "../gen/wattmesh/control/v1/dry_run_pb.ts";
import { HoldKind } from "../gen/wattmesh/control/v1/hold_pb.ts";
import { SetpointKind } from "../gen/wattmesh/type/v1/setpoint_pb.ts";
import { clock, number, shortName } from "../lib/format.ts";
import { fromMs, MINUTE, optionalMs } from "../lib/time.ts";
import { store } from "../live/hooks.ts";
import { Dialog, PersonFields, rememberedOwner, rememberOwner } from "./dialog.tsx";
import { localeOf, useSite } from "./pages.ts";
import { kindsOf } from "./steering.ts";

const PEOPLE = 100;
const LENGTHS = [15, 30, 60, 120, 240, 480];

export function HoldDialog({ site, onClose }: { site: string; onClose: () => void }) {
  const [request] = useState(() => crypto.randomUUID());
  const assets = useAssets(site).data ?? [];
  const devices = (useDevices(site).data ?? []).filter((each) => kindsOf(each, assets).length > 0);
  const [chosen, setChosen] = useState("");
  const device = devices.find((each) => each.name === chosen) ?? devices[0];
  const kinds = device === undefined ? [] : kindsOf(device, assets);
  const [wanted, setKind] = useState<SetpointKind | null>(null);
  const kind = wanted !== null && kinds.includes(wanted) ? wanted : kinds[0];
  const [value, setValue] = useState("0");
  const [minutes, setMinutes] = useState(60);
  const [owner, setOwner] = useState(rememberedOwner);
  const [reason, setReason] = useState("");
  const [tried, setTried] = useState<DryRunInterval[] | null>(null);
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const changed = (change: () => void): void => {
    change();
    setTried(null);
  };

  const work = async (what: () => Promise<void>): Promise<void> => {
    setBusy(true);
    setError("");
    try {
      await what();
    } catch (failure) {
      setError(words(failure));
    }
    setBusy(false);
  };
  const now = (): number => store.now() ?? Date.now();
  const attempt = async (): Promise<void> => {
    const start = now();
    const range = { startTime: fromMs(start), endTime: fromMs(start + minutes * MINUTE) };
    const command = {
      requestId: crypto.randomUUID(),
      device: device?.name ?? "",
      kind: kind ?? SetpointKind.UNSPECIFIED,
      value: Number(value),
      range,
      owner,
      priority: PEOPLE,
    };
    const answer = await operator.dryRun({ what: { case: "command", value: command } });
    setTried(answer.intervals);
  };
  const place = async (): Promise<void> => {
    await operator.placeHold({
      requestId: request,
      hold: {
        subject: device?.name ?? "",
        kind: HoldKind.SETPOINT,
        owner,
        reason,
        setpointKind: kind ?? SetpointKind.UNSPECIFIED,
        value: Number(value),
        expireTime: fromMs(now() + minutes * MINUTE),
      },
    });
    rememberOwner(owner);
    onClose();
  };
  const refused = tried?.every((each) => each.outcome === Outcome.REFUSED) ?? false;
  return (
    <Dialog
      title="Hold a value"
      onClose={onClose}
      onSubmit={() => void work(tried === null ? attempt : place)}
    >
      <p className="muted">The device keeps it, whatever plans want, until the end time.</p>
      {devices.length === 0 && <p className="notice">Nothing here can be steered.</p>}
      <label className="field">
        <span>Device</span>
        <select
          className="select"
          value={device?.name ?? ""}
          onChange={(event) => changed(() => setChosen(event.target.value))}
        >
          {devices.map((each) => (
            <option key={each.name} value={each.name}>
              {each.displayName || shortName(each.name)}
            </option>
          ))}
        </select>
      </label>
      <div className="two">
        <label className="field">
          <span>What</span>
          <select
            className="select"
            value={kind}
            onChange={(event) => changed(() => setKind(Number(event.target.value)))}
          >
            {kinds.map((each) => (
              <option key={each} value={each}>
                {SETPOINTS[each].title}
              </option>
            ))}
          </select>
        </label>
        <label className="field">
          <span>
            Value{kind !== undefined && SETPOINTS[kind].unit !== "" && ` in ${SETPOINTS[kind].unit}`}
          </span>
          <input
            className="input"
            type="number"
            step="any"
            required
            value={value}
            onChange={(event) => changed(() => setValue(event.target.value))}
          />
        </label>
      </div>
      {kind === SetpointKind.ACTIVE_POWER_W && (
        <p className="small muted">Charging is positive, discharging negative.</p>
      )}
      <label className="field">
        <span>For how long</span>
        <select
          className="select"
          value={minutes}
          onChange={(event) => changed(() => setMinutes(Number(event.target.value)))}
        >
          {LENGTHS.map((each) => (
            <option key={each} value={each}>
              {each < 60 ? `${each} min` : `${each / 60} h`}
            </option>
          ))}
        </select>
      </label>
      <PersonFields owner={owner} reason={reason} onOwner={setOwner} onReason={setReason} />
      {tried !== null && <Tried intervals={tried} unit={kind ? SETPOINTS[kind].unit : ""} />}
      {error !== "" && (
        <p className="notice bad" role="alert">
          {error}
        </p>
      )}
      <footer>
        <button type="button" className="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="submit"
          className="button primary"
          disabled={busy || device === undefined || refused}
        >
          {tried === null ? "Try it dry" : "Hold it"}
        </button>
      </footer>
    </Dialog>
  );
}

const OUTCOMES = every<Outcome, string>(Outcome, spoken, {
  [Outcome.UNSPECIFIED]: "not said",
  [Outcome.ACCEPTED]: "taken as asked",
  [Outcome.CLAMPED]: "limited",
  [Outcome.REFUSED]: "refused",
});

/** What would become of it; nothing has changed yet. */
function Tried({ intervals, unit }: { intervals: readonly DryRunInterval[]; unit: string }) {
  const at = localeOf(useSite());
  return (
    <div className="notice good" role="status">
      <ul className="lines">
        {intervals.map((each, place) => {
          const start = optionalMs(each.range?.startTime);
          const end = optionalMs(each.range?.endTime);
          const waits = each.outrankedBy === "" ? "" : `; ${each.outrankedBy} goes first`;
          return (
            <li key={place}>
              {start !== null && end !== null && `${clock(start, at)}–${clock(end, at)}: `}
              {OUTCOMES[each.outcome]}
              {each.value !== undefined && ` at ${number(each.value, 0)} ${unit}`}
              {each.message !== "" && ` (${each.message})`}
              {waits}
            </li>
          );
        })}
        {intervals.length === 0 && <li>Nothing would be asked of the device.</li>}
        <li className="small">Nothing has changed yet.</li>
      </ul>
    </div>
  );
}
