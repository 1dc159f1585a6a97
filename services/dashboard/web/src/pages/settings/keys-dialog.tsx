// The API keys of a user: made, shown once, and revoked.

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { words } from "../../api/errors.ts";
import { identity } from "../../api/transport.ts";
import type { ApiKey, Principal } from "../../gen/wattmesh/identity/v1/identity_pb.ts";
import { fullMoment, shortName } from "../../lib/format.ts";
import { DAY, fromMs, optionalMs } from "../../lib/time.ts";
import { Asked, Empty } from "../../parts/bits.tsx";
import { Dialog } from "../../parts/dialog.tsx";

const LENGTHS = [7, 30, 90, 365];
/** Keys end by the wall's time, and are shown in the reader's zone. */
const HERE = { locale: undefined, zone: Intl.DateTimeFormat().resolvedOptions().timeZone };

export function KeysDialog({ user, onClose }: { user: Principal; onClose: () => void }) {
  const [purpose, setPurpose] = useState("");
  const [days, setDays] = useState(90);
  const [secret, setSecret] = useState("");
  const [error, setError] = useState("");
  const keys = useQuery({
    queryKey: ["api-keys", user.name],
    queryFn: async ({ signal }) => (await identity.listApiKeys({ parent: user.name }, { signal })).apiKeys,
    retry: false,
  });
  const tried = async (act: () => Promise<void>): Promise<void> => {
    setError("");
    try {
      await act();
    } catch (failure) {
      setError(words(failure));
    }
    await keys.refetch();
  };
  const make = (): Promise<void> =>
    tried(async () => {
      const requestId = crypto.randomUUID();
      const name = `${user.name}/api-keys/${requestId.slice(0, 8)}`;
      const apiKey = { name, displayName: purpose, expireTime: fromMs(Date.now() + days * DAY) };
      setSecret((await identity.createApiKey({ apiKey, requestId })).secret);
      setPurpose("");
    });
  return (
    <Dialog title={`API keys of ${user.displayName || shortName(user.name)}`} wide onClose={onClose} onSubmit={() => void make()}>
      {secret !== "" && (
        <div className="notice" role="status">
          <span>
            The new key, told this once: <code className="secret">{secret}</code>
          </span>
          <button type="button" className="button" onClick={() => void navigator.clipboard?.writeText(secret)}>
            Copy
          </button>
        </div>
      )}
      <Asked of={keys}>
        {(list) =>
          list.length === 0 ? (
            <Empty>There is no key.</Empty>
          ) : (
            <ul className="lines">
              {list.map((key) => (
                <Line key={key.name} apiKey={key} onRevoke={() => void tried(async () => void (await identity.deleteApiKey({ name: key.name })))} />
              ))}
            </ul>
          )
        }
      </Asked>
      <label className="field">
        <span>What for</span>
        <input className="input" value={purpose} onChange={(event) => setPurpose(event.target.value)} required maxLength={200} />
      </label>
      <label className="field">
        <span>For how long</span>
        <select className="select" value={days} onChange={(event) => setDays(Number(event.target.value))}>
          {LENGTHS.map((each) => (
            <option key={each} value={each}>
              {each} days
            </option>
          ))}
        </select>
      </label>
      {error !== "" && (
        <p className="notice bad" role="alert">
          {error}
        </p>
      )}
      <footer>
        <button type="button" className="button" onClick={onClose}>
          Close
        </button>
        <button type="submit" className="button primary">
          Make a key
        </button>
      </footer>
    </Dialog>
  );
}

function Line({ apiKey, onRevoke }: { apiKey: ApiKey; onRevoke: () => void }) {
  const [sure, setSure] = useState(false);
  const ends = optionalMs(apiKey.expireTime);
  const over = ends !== null && ends < Date.now();
  const title = apiKey.displayName || shortName(apiKey.name);
  return (
    <li>
      <strong>{title}</strong> {apiKey.prefix !== "" && <code>{apiKey.prefix}…</code>}{" "}
      <span className={over ? "tag warn" : "muted"}>{ends === null ? "" : `${over ? "over since" : "until"} ${fullMoment(ends, HERE)}`}</span>{" "}
      <button type="button" className="button danger" aria-label={sure ? `Revoke ${title} now` : `Revoke ${title}`} onClick={() => (sure ? onRevoke() : setSure(true))}>
        {sure ? "Revoke it now" : "Revoke"}
      </button>
    </li>
  );
}
