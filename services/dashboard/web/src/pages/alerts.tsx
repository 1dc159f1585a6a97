// What people should know of, the urgent first: taken on, or silenced for a time.

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { words } from "../api/errors.ts";
import { queries } from "../api/queries.ts";
import { alerts } from "../api/transport.ts";
import { cameBack, told, waysOf } from "../domain/alert-links.ts";
import { plain, spoken } from "../domain/words.ts";
import { AlertRule, AlertSeverity, AlertState, type Alert } from "../gen/wattmesh/alert/v1/alert_pb.ts";
import { ago, moment, money, type Locale } from "../lib/format.ts";
import { fromMs, HOUR, optionalMs } from "../lib/time.ts";
import { store, useNow, usePicture } from "../live/hooks.ts";
import { Asked, Card, Empty } from "../parts/bits.tsx";
import { Dialog, PersonFields, rememberedOwner, rememberOwner } from "../parts/dialog.tsx";
import { subjectTitle } from "../parts/holds.tsx";
import { localeOf, pathOf, siteTitle, usePath, useSite } from "../parts/pages.ts";

export default function AlertsPage() {
  const { site: named } = usePath();
  const site = useSite();
  const [over, setOver] = useState(false);
  const at = localeOf(site);
  const firing = usePicture((picture) => picture.alerts);
  const feed = usePicture((picture) => picture.feeds.get("alerts"));
  const turn = usePicture((picture) => picture.turns.alerts);
  const present = [...firing.values()].filter((alert) => named === "" || alert.site === named);
  // What is over is in no stream: it is asked for, again whenever something is news.
  const past = useQuery({
    queryKey: ["alerts", named, turn],
    queryFn: async ({ signal }) =>
      (await alerts.listAlerts({ parent: named, states: [AlertState.RESOLVED], pageSize: 200 }, { signal })).alerts,
    enabled: over,
    placeholderData: (before) => before,
  });
  const quiet = <Empty>{over ? "There was no alert." : "Nothing is the matter."}</Empty>;
  return (
    <div className="page">
      <div className="title">
        <h1>Alerts {named === "" || site === undefined ? "of all sites" : `of ${siteTitle(site)}`}</h1>
        <label className="check">
          <input type="checkbox" checked={over} onChange={(event) => setOver(event.target.checked)} />
          Those that are over, too
        </label>
      </div>
      {feed !== undefined && !feed.connected && (
        <p className="notice bad" role="alert">
          Nobody says what is the matter: {feed.message || "alerting does not answer"}. What is shown may be over.
        </p>
      )}
      {feed === undefined && present.length === 0 ? (
        <Empty>Loading…</Empty>
      ) : (
        <div className="stack">
          {urgentFirst(present).map((alert) => (
            <AlertCard key={alert.name} alert={alert} at={at} />
          ))}
          {!over && present.length === 0 && feed?.connected === true && <Card>{quiet}</Card>}
          {over && (
            <Asked of={past}>
              {(list) =>
                list.length === 0 && present.length === 0 ? (
                  <Card>{quiet}</Card>
                ) : (
                  urgentFirst(list).map((alert) => <AlertCard key={alert.name} alert={alert} at={at} />)
                )
              }
            </Asked>
          )}
        </div>
      )}
    </div>
  );
}

/** What is not over first, the urgent before the rest, the newest before the older. */
function urgentFirst(list: readonly Alert[]): Alert[] {
  const fired = (alert: Alert): number => optionalMs(alert.fireTime) ?? 0;
  return [...list].sort(
    (one, other) => one.state - other.state || other.severity - one.severity || fired(other) - fired(one),
  );
}

const TAGS: Partial<Record<AlertSeverity, string>> = {
  [AlertSeverity.CRITICAL]: "bad",
  [AlertSeverity.WARNING]: "warn",
};

type Doing = "acknowledge" | "silence" | null;

function AlertCard({ alert, at }: { alert: Alert; at: Locale }) {
  const now = useNow();
  const [doing, setDoing] = useState<Doing>(null);
  const fired = optionalMs(alert.fireTime);
  const ended = optionalMs(alert.endTime);
  const over = alert.state === AlertState.RESOLVED;
  const taken = alert.acknowledgement;
  return (
    <Card
      title={plain(alert.summary) || `${spoken(AlertRule[alert.rule] ?? "")}: ${subjectTitle(alert.subject)}`}
      aside={
        <span className={`tag ${over ? "good" : (TAGS[alert.severity] ?? "")}`}>
          {over ? "over" : spoken(AlertSeverity[alert.severity] ?? "")}
        </span>
      }
      className={over ? "stale" : ""}
    >
      <div className="lines">
        {alert.description !== "" && <p>{plain(told(alert.description))}</p>}
        {alert.atStake !== undefined && (
          <p>
            <strong>{money(Number(alert.atStake.amount), alert.atStake.currencyCode, at.locale)}</strong> at stake
          </p>
        )}
        {alert.advice !== "" && <p className="muted">{alert.advice}</p>}
        <p className="muted small">
          {fired !== null && now !== null && `since ${moment(fired, at)}, ${ago(now - fired)}`}
          {ended !== null && `, over at ${moment(ended, at)}`}
          {alert.occurrenceCount > 1 && ` · ${cameBack(alert.occurrenceCount - 1)}`}
          {taken !== undefined && ` · ${taken.owner} has taken it on${taken.note === "" ? "" : `: ${taken.note}`}`}
          {alert.silence !== "" && " · silenced"}
        </p>
        {waysOf(alert).length > 0 && (
          <p className="small">
            {waysOf(alert).map((way, place) => (
              <span key={way.page}>
                {place > 0 && " · "}
                <Link to={pathOf(way.page, alert.site)}>{way.text}</Link>
              </span>
            ))}
          </p>
        )}
        {!over && (
          <div className="filters">
            <button type="button" className="button" onClick={() => setDoing("acknowledge")}>
              Take it on
            </button>
            <button type="button" className="button" onClick={() => setDoing("silence")}>
              Silence
            </button>
          </div>
        )}
      </div>
      {doing !== null && <AlertDialog alert={alert} silence={doing === "silence"} onClose={() => setDoing(null)} />}
    </Card>
  );
}

const LENGTHS = [1, 4, 8, 24];

function AlertDialog({ alert, silence, onClose }: { alert: Alert; silence: boolean; onClose: () => void }) {
  const [request] = useState(() => crypto.randomUUID());
  const [owner, setOwner] = useState(rememberedOwner);
  const [reason, setReason] = useState("");
  const [hours, setHours] = useState(4);
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const act = async (): Promise<void> => {
    setBusy(true);
    try {
      if (silence) {
        const expireTime = fromMs((store.now() ?? Date.now()) + hours * HOUR);
        const placed = { subject: alert.subject, rules: [alert.rule], owner, reason, expireTime };
        await alerts.placeSilence({ requestId: request, silence: placed });
      } else {
        await alerts.acknowledgeAlert({ name: alert.name, owner, note: reason });
      }
      rememberOwner(owner);
      await queries.invalidateQueries({ queryKey: ["alerts"] });
      onClose();
    } catch (failure) {
      setError(words(failure));
      setBusy(false);
    }
  };
  return (
    <Dialog title={silence ? "Silence" : "Take it on"} onClose={onClose} onSubmit={() => void act()}>
      <p>
        {silence
          ? "Alerts of this kind about this subject are listed and notify nobody until then."
          : "Others see that somebody is on it."}
      </p>
      {silence && (
        <label className="field">
          <span>For how long</span>
          <select className="select" value={hours} onChange={(event) => setHours(Number(event.target.value))}>
            {LENGTHS.map((each) => (
              <option key={each} value={each}>
                {each} h
              </option>
            ))}
          </select>
        </label>
      )}
      <PersonFields owner={owner} reason={reason} onOwner={setOwner} onReason={setReason} />
      {error !== "" && (
        <p className="notice bad" role="alert">
          {error}
        </p>
      )}
      <footer>
        <button type="button" className="button" onClick={onClose}>
          Cancel
        </button>
        <button type="submit" className="button primary" disabled={busy}>
          {silence ? "Silence" : "Take it on"}
        </button>
      </footer>
    </Dialog>
  );
}
