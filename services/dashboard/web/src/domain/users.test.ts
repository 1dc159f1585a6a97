import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { PrincipalSchema, RoleKind } from "../gen/wattmesh/identity/v1/identity_pb.ts";
import { rolesOf, segmentOf } from "./users.ts";

test("a name of people becomes a name of records, whatever alphabet it has", () => {
  assert.equal(segmentOf("Ada Lovelace"), "ada-lovelace");
  assert.equal(segmentOf(" Jörg-Ünal_2 "), "jorg-unal_2");
  assert.equal(segmentOf("山田"), "");
});

test("a role that has ended is none", () => {
  const user = create(PrincipalSchema, {
    roleBindings: [{ role: RoleKind.ADMIN, expireTime: { seconds: 10n } }, { role: RoleKind.VIEWER }],
  });
  assert.deepEqual(rolesOf(user, 20_000), [RoleKind.VIEWER]);
  assert.deepEqual(rolesOf(user, 5_000), [RoleKind.ADMIN, RoleKind.VIEWER]);
});
