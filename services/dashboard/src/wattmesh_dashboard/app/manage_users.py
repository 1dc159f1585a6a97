"""Users and their API keys: listed, added, changed and revoked by whoever may."""

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from wattmesh_dashboard.app.ports import Users
from wattmesh_dashboard.domain.users import (
    Key,
    User,
    UserKind,
    check_giving,
    check_own_access,
    check_reach,
    check_sense,
    reaches,
    tenant_of,
)
from wattmesh_kernel.callers import Caller
from wattmesh_kernel.errors import AlreadyExists, InvalidArgument, NotFound

_SECRET_BYTES, _PREFIX_CHARACTERS = 24, 8
Change = Callable[[User], User]


class ManageUsers:
    """One unit of work a change: read, decide, write, under the store's lock.

    `roles`: permissions by role. `now`: the wall's time, by which keys end.
    """

    def __init__(
        self, users: Users, roles: Mapping[str, frozenset[str]], now: Callable[[], datetime]
    ) -> None:
        self._users = users
        self._roles = roles
        self._now = now

    def list_users(self, caller: Caller, tenant: str) -> Sequence[User]:
        """Return the users of a tenant, by name."""
        check_reach(caller, tenant)
        found = [each for each in self._users.read().users.values() if each.tenant == tenant]
        return sorted(found, key=lambda user: user.name)

    def list_tenants(self, caller: Caller) -> Sequence[str]:
        """Return the tenants that the caller sees."""
        kept = self._users.read()
        tenants = {tenant_of(caller), *kept.tenants, *(user.tenant for user in kept.users.values())}
        return sorted(each for each in tenants if reaches(caller, each))

    def user(self, caller: Caller, name: str) -> User:
        """Return one. Errors: NotFound, PermissionDenied."""
        user = _found(self._users.read().users, name)
        check_reach(caller, user.tenant)
        return user

    def create(self, caller: Caller, user: User) -> User:
        """Add one; a repeat returns what is there. Errors: AlreadyExists, PermissionDenied."""
        check_sense(user)
        if user.kind is UserKind.UNSPECIFIED:
            raise InvalidArgument("UNKNOWN_VALUE", "what it is is not said", field="kind")
        check_giving(caller, user, self._permissions(user))
        with self._users.change() as kept:
            before = kept.users.get(user.name)
            if before is not None:
                if replace(before, created=None) == replace(user, created=None):
                    return before
                raise AlreadyExists("PRINCIPAL_EXISTS", f"{user.name} is there")
            kept.users[user.name] = replace(user, created=self._now())
            return kept.users[user.name]

    def update(self, caller: Caller, name: str, change: Change) -> User:
        """Change one. Errors: NotFound, PermissionDenied, FailedPrecondition."""
        with self._users.change() as kept:
            before = _found(kept.users, name)
            # Who may not give what somebody has may not take it away, either.
            check_giving(caller, before, self._permissions(before))
            after = change(before)
            check_sense(after)
            check_giving(caller, after, self._permissions(after))
            kept_all = self._permissions(before) <= self._permissions(after)
            check_own_access(caller, name, keeps=kept_all and not after.disabled)
            kept.users[name] = after
            return after

    def delete(self, caller: Caller, name: str) -> None:
        """Take one away, with its keys. Errors: NotFound, PermissionDenied, FailedPrecondition."""
        with self._users.change() as kept:
            user = _found(kept.users, name)
            check_giving(caller, user, self._permissions(user))
            check_own_access(caller, name, keeps=False)
            del kept.users[name]
            kept.keys = {each.sha256: each for each in kept.keys.values() if each.user != name}

    def list_keys(self, caller: Caller, user: str) -> Sequence[Key]:
        """Return the keys of a user, by name."""
        self.user(caller, user)
        return sorted(self._keys_of(user), key=lambda key: key.name)

    def create_key(self, caller: Caller, key: Key) -> tuple[Key, str]:
        """Make a key for a user; return it and its secret, which is told this once.

        A repeat of the request returns the key without its secret. Errors: NotFound,
        AlreadyExists, InvalidArgument when it would be over, PermissionDenied.
        """
        if key.ends <= self._now():
            raise InvalidArgument("INVALID_TIME", "not later than now", field="api_key.expire_time")
        with self._users.change() as kept:
            user = _found(kept.users, key.user)
            check_giving(caller, user, self._permissions(user))
            for other in kept.keys.values():
                if key.request_id and other.request_id == key.request_id:
                    return other, ""
                if other.name == key.name:
                    raise AlreadyExists("API_KEY_EXISTS", f"{key.name} is there")
            secret = self._users.key_prefix + secrets.token_urlsafe(_SECRET_BYTES)
            made = replace(
                key,
                sha256=hashlib.sha256(secret.encode()).hexdigest(),
                prefix=secret[:_PREFIX_CHARACTERS],
                created=self._now(),
            )
            kept.keys[made.sha256] = made
            return made, secret

    def revoke_key(self, caller: Caller, name: str) -> None:
        """Revoke a key. Errors: NotFound, PermissionDenied."""
        with self._users.change() as kept:
            key = next((each for each in kept.keys.values() if each.name == name), None)
            if key is None:
                raise NotFound("API_KEY_NOT_FOUND", f"there is no {name}")
            user = _found(kept.users, key.user)
            check_giving(caller, user, self._permissions(user))
            del kept.keys[key.sha256]

    def _keys_of(self, user: str) -> Sequence[Key]:
        return [each for each in self._users.read().keys.values() if each.user == user]

    def _permissions(self, user: User) -> frozenset[str]:
        return frozenset().union(*(self._roles[grant.role] for grant in user.grants))


def _found(users: Mapping[str, User], name: str) -> User:
    if name not in users:
        raise NotFound("PRINCIPAL_NOT_FOUND", f"there is no {name}")
    return users[name]
