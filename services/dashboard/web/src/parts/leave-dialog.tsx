// Opting out of plans, and the emergency stop: of a device, a site or a group.

import { useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { words } from "../api/errors.ts";
import { useDevices, useSites } from "../api/queries.ts";
import { operator, sites } from "../api/transport.ts";
import { HoldKind } from "../gen/wattmesh/control/v1/hold_pb.ts";
import { shortName } from "../lib/format.ts";
import { fromMs, HOUR } from "../lib/time.ts";
import { store } from "../live/hooks.ts";
import { Dialog, PersonFields, rememberedOwner, rememberOwner } from "./dialog.tsx";
import { inOrder, siteTitle } from "./pages.ts";

interface LeaveProps {
  subject: string;
  stop: boolean;
  onClose: () => void;
}

const LENGTHS = [1, 2, 4, 8, 24];

export function LeaveDialog({ subject, stop, onClose }: LeaveProps) {
  const [request] = useState(() => crypto.randomUUID());
  const [of, setOf] = useState(subject);
  const [hours, setHours] = useState(0);
  const [owner, setOwner] = useState(rememberedOwner);
  const [reason, setReason] = useState("");
  const [sure, setSure] = useState(false);
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const place = async (): Promise<void> => {
    setBusy(true);
    const now = store.now() ?? Date.now();
    const ends = stop || hours === 0 ? undefined : fromMs(now + hours * HOUR);
    const kind = stop ? HoldKind.STOP : HoldKind.OPT_OUT;
    try {
      await operator.placeHold({
        requestId: request,
        hold: { subject: of, kind, owner, reason, ...(ends && { expireTime: ends }) },
      });
      rememberOwner(owner);
      onClose();
    } catch (failure) {
      setError(words(failure));
      setBusy(false);
    }
  };
  const title = stop ? "Emergency stop" : "Opt out of plans";
  return (
    <Dialog title={title} onClose={onClose} onSubmit={() => void place()}>
      <p>
        {stop
          ? "Every device goes to its safe state now, and takes nothing from anybody until it is released."
          : "Plans leave the devices alone: they go to their safe states, and people may command them."}
      </p>
      <SubjectField subject={subject} of={of} onOf={setOf} />
      {!stop && (
        <label className="field">
          <span>For how long</span>
          <select
            className="select"
            value={hours}
            onChange={(event) => setHours(Number(event.target.value))}
          >
            <option value={0}>Until it is released</option>
            {LENGTHS.map((each) => (
              <option key={each} value={each}>
                {each} h
              </option>
            ))}
          </select>
        </label>
      )}
      <PersonFields owner={owner} reason={reason} onOwner={setOwner} onReason={setReason} />
      <label className="check">
        <input
          type="checkbox"
          checked={sure}
          onChange={(event) => setSure(event.target.checked)}
          required
        />
        {stop ? "Yes, stop these devices now" : "Yes, take these devices out of plans"}
      </label>
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
          className="button danger primary"
          disabled={busy || !sure || of === ""}
        >
          {stop ? "Stop" : "Opt out"}
        </button>
      </footer>
    </Dialog>
  );
}

/** Which devices: of a site all of them or one; of the whole portfolio a group or a site. */
function SubjectField({
  subject,
  of,
  onOf,
}: {
  subject: string;
  of: string;
  onOf: (of: string) => void;
}) {
  const devices = useDevices(subject).data ?? [];
  const known = useSites().data ?? [];
  const groups = useQuery({
    queryKey: ["groups"],
    queryFn: async ({ signal }) => (await sites.listSiteGroups({}, { signal })).siteGroups,
    enabled: subject === "",
  }).data;
  const steered = devices.filter((device) => device.functions.some((each) => each.controls));
  return (
    <label className="field">
      <span>Of what</span>
      <select
        className="select"
        value={of}
        onChange={(event) => onOf(event.target.value)}
        required
      >
        {subject === "" ? (
          <>
            <option value="">Choose…</option>
            {(groups ?? []).map((group) => (
              <option key={group.name} value={group.name}>
                Group {group.displayName || shortName(group.name)}: all its sites
              </option>
            ))}
            {inOrder(known).map((site) => (
              <option key={site.name} value={site.name}>
                {siteTitle(site)}
              </option>
            ))}
          </>
        ) : (
          <>
            <option value={subject}>Every device of {shortName(subject)}</option>
            {steered.map((device) => (
              <option key={device.name} value={device.name}>
                {device.displayName || shortName(device.name)}
              </option>
            ))}
          </>
        )}
      </select>
    </label>
  );
}
