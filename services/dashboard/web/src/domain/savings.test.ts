import assert from "node:assert/strict";
import { test } from "node:test";
import { amount, atBest, bar, howSure, whatWasMissed } from "./savings.ts";

const told = { money: (each: number) => `${each.toFixed(2)} USD`, percent: (each: number) => `${Math.round(each * 100)} %` };

test("an interval is told with how much is missing, and none is made up", () => {
  assert.match(howSure({ low: 3, high: 5, covered: 0.9 }, told), /between 3\.00 USD and 5\.00 USD.* 10 % is missing/);
  assert.match(howSure({ low: 4, high: 4, covered: 1 }, told), /^All of it was metered/);
  assert.match(howSure({ low: amount(""), high: amount(""), covered: 0.9 }, told), /once two whole days count/);
});

test("what was missed is told beside what was had", () => {
  assert.equal(
    whatWasMissed(3, 1, "batteries and tanks", told),
    "Had control known what would come, batteries and tanks would have saved 1.00 USD more: 4.00 USD in all, of which 75 % was had.",
  );
  assert.match(whatWasMissed(-1, 3, "batteries", told), /3\.00 USD more\.$/, "a loss is no share of anything");
  assert.match(whatWasMissed(3, -0.2, "batteries", told), /0\.20 USD dearer/);
  assert.match(whatWasMissed(3, 0.001, "batteries", told), /no cent/);
  assert.deepEqual(atBest(2, 0), { possible: 2, share: 1 });
});

test("bars begin at zero, on whichever side of it they lie", () => {
  assert.deepEqual(bar(3, [3, -1]), { left: 0.25, width: 0.75 });
  assert.deepEqual(bar(-1, [3, -1]), { left: 0, width: 0.25 });
  assert.deepEqual(bar(0, [0]), { left: 0, width: 0 });
});
