// What somebody has put before plans, and the way to end it.

import { useState } from "react";
import { HoldKind, type Hold } from "../gen/wattmesh/control/v1/hold_pb.ts";
import { ReleaseState } from "../gen/wattmesh/control/v1/release_pb.ts";
import { SETPOINTS } from "../domain/words.ts";
import { clock, number, shortName } from "../lib/format.ts";
import { optionalMs } from "../lib/time.ts";
import { usePicture } from "../live/hooks.ts";
import { ReleaseDialog } from "./release-dialog.tsx";
import { localeOf, useSite } from "./pages.ts";

/** Holds on a site, its group or its devices; with no site, all of them. */
export function HoldsInForce({ site }: { site: string }) {
  const holds = usePicture((picture) => picture.holds);
  const [releasing, setReleasing] = useState<Hold | null>(null);
  const shown = [...holds.values()].filter((hold) => hold.inForce && concerns(hold, site));
  return (
    <>
      {shown.map((hold) => (
        <HoldNotice key={hold.name} hold={hold} onRelease={() => setReleasing(hold)} />
      ))}
      {releasing !== null && <ReleaseDialog hold={releasing} onClose={() => setReleasing(null)} />}
    </>
  );
}

function concerns(hold: Hold, site: string): boolean {
  const group = hold.subject.startsWith("groups/");
  return site === "" || group || hold.subject === site || hold.subject.startsWith(`${site}/`);
}

function HoldNotice({ hold, onRelease }: { hold: Hold; onRelease: () => void }) {
  const at = localeOf(useSite());
  const until = optionalMs(hold.expireTime);
  const away = hold.devices.filter(
    (device) => !device.reached || device.state === ReleaseState.PENDING,
  );
  const kind = hold.kind === HoldKind.STOP ? "notice bad" : "notice";
  return (
    <div className={kind} role={hold.kind === HoldKind.STOP ? "alert" : "status"}>
      <span>
        <strong>{titleOf(hold)}</strong>
        {until !== null && ` until ${clock(until, at)}`}, by {hold.owner}: {hold.reason}
        {away.length > 0 &&
          ` · not there yet: ${away.map((each) => `${shortName(each.device)} (${each.message || "not reached"})`).join(", ")}`}
      </span>
      <button type="button" className="button" onClick={onRelease}>
        Release
      </button>
    </div>
  );
}

export function titleOf(hold: Hold): string {
  const subject = subjectTitle(hold.subject);
  if (hold.kind === HoldKind.STOP) return `Emergency stop of ${subject}`;
  if (hold.kind === HoldKind.OPT_OUT) return `${subject} is left alone by plans`;
  const words = SETPOINTS[hold.setpointKind];
  const value = hold.value === undefined ? "" : ` ${number(hold.value, 0)} ${words.unit}`;
  return `${subject} holds${value}`;
}

export function subjectTitle(subject: string): string {
  const parts = subject.split("/");
  if (parts[0] === "groups") return `group ${parts[1]}`;
  return parts.length === 4 ? `${parts[1]} ${parts[3]}` : (parts[1] ?? subject);
}
