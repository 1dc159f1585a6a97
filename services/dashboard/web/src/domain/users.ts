// Users in words: what a role lets them do, and how a name becomes a record's.

import { PrincipalKind, RoleKind, type Principal } from "../gen/wattmesh/identity/v1/identity_pb.ts";

export const ROLE_WORDS: Record<RoleKind, string> = {
  [RoleKind.UNSPECIFIED]: "no role",
  [RoleKind.VIEWER]: "viewer",
  [RoleKind.OPERATOR]: "operator",
  [RoleKind.ENGINEER]: "engineer",
  [RoleKind.ADMIN]: "administrator",
  [RoleKind.DEVICE]: "device",
};

export const ROLE_MEANS: Record<RoleKind, string> = {
  [RoleKind.UNSPECIFIED]: "",
  [RoleKind.VIEWER]: "Sees everything, changes nothing.",
  [RoleKind.OPERATOR]: "Sees, holds values, opts out, stops, answers alerts.",
  [RoleKind.ENGINEER]: "Operates, and sets up sites, devices, tariffs and models.",
  [RoleKind.ADMIN]: "Everything, and who may do what.",
  [RoleKind.DEVICE]: "Brings readings and carries commands.",
};

export const KIND_WORDS: Record<PrincipalKind, string> = {
  [PrincipalKind.UNSPECIFIED]: "not said",
  [PrincipalKind.PERSON]: "person",
  [PrincipalKind.PROGRAM]: "program",
  [PrincipalKind.SERVICE]: "service",
  [PrincipalKind.DEVICE]: "device",
};

/** What somebody may do now: roles that have not ended. */
export function rolesOf(user: Principal, now: number): RoleKind[] {
  const held = user.roleBindings.filter((bound) => bound.expireTime === undefined || Number(bound.expireTime.seconds) * 1000 > now);
  return held.map((bound) => bound.role);
}

/** `Ada Lovelace` is `ada-lovelace`: letters, digits and dashes, at most 63. */
export function segmentOf(title: string): string {
  const plain = title.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
  return plain.replace(/[^a-z0-9_.]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 63);
}

export function tenantOf(name: string): string {
  return name.split("/")[1] ?? "";
}
