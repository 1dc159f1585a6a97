// Who may use this mesh: people and programs with their roles, and the API keys of each.

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { words } from "../../api/errors.ts";
import { queries } from "../../api/queries.ts";
import { identity } from "../../api/transport.ts";
import { KIND_WORDS, ROLE_WORDS, rolesOf, tenantOf } from "../../domain/users.ts";
import { PrincipalKind, type Principal } from "../../gen/wattmesh/identity/v1/identity_pb.ts";
import { shortName } from "../../lib/format.ts";
import { Asked, Card } from "../../parts/bits.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { KeysDialog } from "./keys-dialog.tsx";
import { UserDialog } from "./user-dialog.tsx";

const KEY = ["users"];

interface Everybody {
  me: string;
  tenants: string[];
  users: Principal[];
}

async function everybody(signal: AbortSignal): Promise<Everybody> {
  const [{ principal }, { tenants }] = await Promise.all([identity.getCaller({}, { signal }), identity.listTenants({}, { signal })]);
  const names = tenants.map((tenant) => tenant.name);
  const lists = await Promise.all(names.map((parent) => identity.listPrincipals({ parent }, { signal })));
  return { me: principal?.name ?? "", tenants: names, users: lists.flatMap((list) => list.principals) };
}

export function usersChanged(): void {
  void queries.invalidateQueries({ queryKey: KEY });
}

type Open = { what: "edit" | "keys" | "remove"; user: Principal } | { what: "add"; user: null } | null;

export function Users() {
  const asked = useQuery({ queryKey: KEY, queryFn: ({ signal }) => everybody(signal), retry: false });
  const [open, setOpen] = useState<Open>(null);
  const close = (): void => setOpen(null);
  const add = (
    <button type="button" className="button" onClick={() => setOpen({ what: "add", user: null })}>
      Add a user
    </button>
  );
  // A mesh without identities, and somebody who may not see them, are no fault: their words are enough.
  if (asked.isError && asked.data === undefined) {
    return (
      <Card title="Users and roles">
        <p className="muted">{words(asked.error)}</p>
      </Card>
    );
  }
  return (
    <Card title="Users and roles" flush aside={add}>
      <Asked of={asked}>
        {({ users, me }) => (
          <table className="phone-cards">
            <thead>
              <tr>
                <th scope="col">User</th>
                <th scope="col">Roles</th>
                <th scope="col">Tenant</th>
                <th scope="col">
                  <span className="hidden">Change</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {users.map((user) => (
                <Row key={user.name} user={user} me={me === user.name} onOpen={(what) => setOpen({ what, user })} />
              ))}
            </tbody>
          </table>
        )}
      </Asked>
      {open?.what === "keys" && <KeysDialog user={open.user} onClose={close} />}
      {open?.what === "remove" && <RemoveDialog user={open.user} onClose={close} />}
      {(open?.what === "add" || open?.what === "edit") && (
        <UserDialog user={open.user} tenants={asked.data?.tenants ?? []} onClose={close} />
      )}
    </Card>
  );
}

interface RowProps {
  user: Principal;
  me: boolean;
  onOpen: (what: "edit" | "keys" | "remove") => void;
}

function Row({ user, me, onOpen }: RowProps) {
  const title = titleOf(user);
  const roles = rolesOf(user, Date.now());
  return (
    <tr>
      <td>
        <strong>{title}</strong>
        {me && <span className="tag">you</span>}
        {user.kind !== PrincipalKind.PERSON && <span className="muted"> {KIND_WORDS[user.kind]}</span>}
      </td>
      <td data-label="Roles">
        {user.disabled ? <span className="tag warn">does not get in</span> : roles.map((role) => ROLE_WORDS[role]).join(", ") || "none"}
      </td>
      <td data-label="Tenant" className="muted">
        {tenantOf(user.name)}
      </td>
      <td className="end">
        <span className="actions">
          <button type="button" className="button" aria-label={`API keys of ${title}`} onClick={() => onOpen("keys")}>
            Keys
          </button>
          <button type="button" className="button" aria-label={`Edit ${title}`} onClick={() => onOpen("edit")}>
            Edit
          </button>
          {!me && (
            <button type="button" className="button danger" aria-label={`Remove ${title}`} onClick={() => onOpen("remove")}>
              Remove
            </button>
          )}
        </span>
      </td>
    </tr>
  );
}

function RemoveDialog({ user, onClose }: { user: Principal; onClose: () => void }) {
  const [error, setError] = useState("");
  const remove = async (): Promise<void> => {
    try {
      await identity.deletePrincipal({ name: user.name, etag: user.etag });
      usersChanged();
      onClose();
    } catch (failure) {
      setError(words(failure));
    }
  };
  return (
    <Dialog title={`Remove ${titleOf(user)}`} onClose={onClose} onSubmit={() => void remove()}>
      <p>The user and all their API keys get in no more, from now on. What they did stays in the audit trail.</p>
      {error !== "" && (
        <p className="notice bad" role="alert">
          {error}
        </p>
      )}
      <footer>
        <button type="button" className="button" onClick={onClose}>
          Cancel
        </button>
        <button type="submit" className="button danger">
          Remove
        </button>
      </footer>
    </Dialog>
  );
}

export function titleOf(user: Principal): string {
  return user.displayName || shortName(user.name);
}
