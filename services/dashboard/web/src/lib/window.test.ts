import assert from "node:assert/strict";
import { test } from "node:test";
import { windowOf } from "./window.ts";

test("a short list is drawn whole", () => {
  assert.deepEqual(windowOf(40, 0, 800, 40), { first: 0, last: 40, before: 0, after: 0 });
});

test("of a long list what is on the screen is drawn, and the rest keeps its height", () => {
  for (const top of [0, 333, 19_000, 39_200, 60_000]) {
    const shown = windowOf(1000, top, top + 800, 40);
    assert.equal(shown.before + (shown.last - shown.first) * 40 + shown.after, 40_000);
    assert.ok(shown.last - shown.first <= 46);
    if (top < 39_200) assert.ok(shown.before <= top && 40_000 - shown.after >= top + 800);
  }
});
