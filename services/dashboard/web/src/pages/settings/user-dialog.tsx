// A user with their role, added or changed.

import { useState } from "react";
import { words } from "../../api/errors.ts";
import { identity } from "../../api/transport.ts";
import { KIND_WORDS, ROLE_MEANS, ROLE_WORDS, segmentOf, tenantOf } from "../../domain/users.ts";
import { PrincipalKind, RoleKind, type Principal } from "../../gen/wattmesh/identity/v1/identity_pb.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { usersChanged } from "./users.tsx";

/** Devices get in by certificates: no administrator has what they may, to give it. */
const ROLES = [RoleKind.VIEWER, RoleKind.OPERATOR, RoleKind.ENGINEER, RoleKind.ADMIN];
const KINDS = [PrincipalKind.PERSON, PrincipalKind.PROGRAM];

interface UserProps {
  /** Null: somebody new. */
  user: Principal | null;
  tenants: readonly string[];
  onClose: () => void;
}

export function UserDialog({ user, tenants, onClose }: UserProps) {
  const [title, setTitle] = useState(user?.displayName ?? "");
  const [segment, setSegment] = useState("");
  const [tenant, setTenant] = useState(tenants[0] ?? "tenants/default");
  const [kind, setKind] = useState(user?.kind ?? PrincipalKind.PERSON);
  const [role, setRole] = useState(user?.roleBindings[0]?.role ?? RoleKind.VIEWER);
  const [disabled, setDisabled] = useState(user?.disabled ?? false);
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const called = segment || segmentOf(title);
  const save = async (): Promise<void> => {
    setBusy(true);
    try {
      const changed = { displayName: title, roleBindings: [{ role }], disabled };
      if (user === null) {
        await identity.createPrincipal({
          principal: { ...changed, name: `${tenant}/principals/${called}`, kind },
          requestId: crypto.randomUUID(),
        });
      } else {
        const paths = ["display_name", "disabled", ...(role === user.roleBindings[0]?.role ? [] : ["role_bindings"])];
        await identity.updatePrincipal({ principal: { ...changed, name: user.name, etag: user.etag }, updateMask: { paths } });
      }
      usersChanged();
      onClose();
    } catch (failure) {
      setError(words(failure));
      setBusy(false);
    }
  };
  return (
    <Dialog title={user === null ? "Add a user" : `Edit ${user.displayName || called}`} onClose={onClose} onSubmit={() => void save()}>
      <label className="field">
        <span>Name</span>
        <input className="input" value={title} onChange={(event) => setTitle(event.target.value)} required={user === null} maxLength={200} />
      </label>
      {user === null && (
        <>
          <label className="field">
            <span>Name in records: a-z, 0-9 and dashes</span>
            <input
              className="input"
              value={segment}
              placeholder={called}
              pattern="[a-z0-9_.\-]{1,63}"
              required={called === ""}
              onChange={(event) => setSegment(event.target.value)}
            />
          </label>
          <label className="field">
            <span>What it is</span>
            <select className="select" value={kind} onChange={(event) => setKind(Number(event.target.value))}>
              {KINDS.map((each) => (
                <option key={each} value={each}>
                  {KIND_WORDS[each]}
                </option>
              ))}
            </select>
          </label>
          {tenants.length > 1 && (
            <label className="field">
              <span>Tenant</span>
              <select className="select" value={tenant} onChange={(event) => setTenant(event.target.value)}>
                {tenants.map((each) => (
                  <option key={each} value={each}>
                    {tenantOf(each)}
                  </option>
                ))}
              </select>
            </label>
          )}
        </>
      )}
      <label className="field">
        <span>Role</span>
        <select className="select" value={role} onChange={(event) => setRole(Number(event.target.value))} aria-describedby="role-means">
          {ROLES.map((each) => (
            <option key={each} value={each}>
              {ROLE_WORDS[each]}
            </option>
          ))}
        </select>
        <small className="muted" id="role-means">
          {ROLE_MEANS[role]}
        </small>
      </label>
      {user !== null && (
        <label className="check">
          <input type="checkbox" checked={disabled} onChange={(event) => setDisabled(event.target.checked)} />
          Does not get in
        </label>
      )}
      {user === null && <p className="muted small">They get in by an API key, which you make for them under Keys.</p>}
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
          {user === null ? "Add" : "Save"}
        </button>
      </footer>
    </Dialog>
  );
}
