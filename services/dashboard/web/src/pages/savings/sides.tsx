// What was metered beside what would have been, and what made the difference.

import { every, spoken } from "../../domain/words.ts";
import { SavingsCause, type Savings } from "../../gen/wattmesh/analytics/v1/savings_pb.ts";
import { energy, money, number, percent, type Locale } from "../../lib/format.ts";
import { Bars } from "../../parts/bars.tsx";
import { Card, Figure } from "../../parts/bits.tsx";

const CAUSES = every<SavingsCause, { title: string; colour: string }>(SavingsCause, (name) => ({ title: spoken(name), colour: "--load" }), {
  [SavingsCause.UNSPECIFIED]: { title: "Other", colour: "--load" },
  [SavingsCause.SELF_CONSUMPTION]: { title: "Own generation used instead of exported", colour: "--pv" },
  [SavingsCause.ARBITRAGE]: { title: "Bought when cheap, used when dear", colour: "--battery" },
  [SavingsCause.PEAK]: { title: "Lower peaks", colour: "--grid" },
  [SavingsCause.OTHER]: { title: "Tiers and other charges", colour: "--load" },
  [SavingsCause.CHARGING]: { title: "Vehicles charged when it cost less", colour: "--ev" },
  [SavingsCause.HEATING_AND_COOLING]: { title: "Heated or cooled when it cost less", colour: "--heat" },
  [SavingsCause.DECLARED]: { title: "Done otherwise than was declared", colour: "--load" },
  [SavingsCause.DEMAND_RESPONSE]: { title: "Paid for demand response", colour: "--good" },
});

interface SidesProps {
  savings: Savings;
  at: Locale;
}

export function Figures({ savings, at }: SidesProps) {
  const { metered, without, currencyCode } = savings;
  const saved = Number(savings.savedAmount);
  const cost = Number(without?.costAmount ?? NaN);
  const emissions = [metered?.emissionsGco2e, without?.emissionsGco2e];
  return (
    <Card>
      <dl className="figures">
        <Figure name={saved < 0 ? "Cost more" : "Saved"} note={cost ? percent(saved / Math.abs(cost), at.locale, 1) : undefined}>
          <span className={Math.abs(saved) < 0.005 ? undefined : saved < 0 ? "bad" : "won"}>{money(Math.abs(saved), currencyCode, at.locale)}</span>
        </Figure>
        <Figure name="Cost" note={`${money(cost, currencyCode, at.locale)} without`}>
          {money(Number(metered?.costAmount ?? NaN), currencyCode, at.locale)}
        </Figure>
        <Figure name="Highest import" note={`${number(without?.peakKw ?? NaN, 2, at.locale)} kW without`}>
          {number(metered?.peakKw ?? NaN, 2, at.locale)} kW
        </Figure>
        {emissions[0] !== undefined && emissions[1] !== undefined && (
          <Figure name="Emissions" note={`${number(emissions[1] / 1000, 1, at.locale)} kg without`}>
            {number(emissions[0] / 1000, 1, at.locale)} kg CO₂e
          </Figure>
        )}
        <Figure name="Imported" note={`${energy(without?.importEnergyKwh ?? NaN, at.locale)} without`}>
          {energy(metered?.importEnergyKwh ?? NaN, at.locale)}
        </Figure>
      </dl>
    </Card>
  );
}

export function Causes({ savings, at }: SidesProps) {
  const parts = savings.parts
    .map((part) => ({ ...CAUSES[part.cause], amount: Number(part.amount) }))
    .filter((part) => Math.abs(part.amount) >= 0.005)
    .sort((one, other) => Math.abs(other.amount) - Math.abs(one.amount));
  const most = parts[0];
  const told = (value: number): string => money(value, savings.currencyCode, at.locale);
  return (
    <Card title="What made the difference">
      {most === undefined ? (
        <p className="muted">Nothing yet.</p>
      ) : (
        <>
          <p className="lead">
            {most.amount > 0 ? "Most of it: " : "What weighed most cost money: "}
            {lower(most.title)}.
          </p>
          <Bars
            rows={parts.map((part) => ({
              name: part.title,
              title: part.title,
              value: part.amount,
              text: <span className={part.amount < -0.005 ? "bad" : undefined}>{told(part.amount)}</span>,
              colour: part.colour,
            }))}
          />
        </>
      )}
    </Card>
  );
}

/** What the figures leave out, and what they are compared with. */
export function Notes({ savings, than, at }: SidesProps & { than: string }) {
  const { currencyCode, storedEnergyGainKwh: stored } = savings;
  return (
    <>
      {savings.coveredRatio < 0.999 && (
        <p className="notice">
          {percent(1 - savings.coveredRatio, at.locale, 1)} of the time was not metered, or has no price; it counts on
          neither side.
        </p>
      )}
      <p className="muted small">
        Compared with {than}, by the tariff’s own arithmetic.
        {stored !== undefined &&
          ` ${energy(Math.abs(stored), at.locale)} ${stored < 0 ? "less" : "more"} is stored than would have been${savings.storedEnergyAmount === "" ? "" : `, worth ${money(Math.abs(Number(savings.storedEnergyAmount)), currencyCode, at.locale)}`}; that is not in what was saved.`}
        {savings.comparableSavedAmount !== "" &&
          ` With both sides made equal${savings.comfortAmount === "" ? "" : ", comfort too,"} it is ${money(Number(savings.comparableSavedAmount), currencyCode, at.locale)}.`}
      </p>
      {savings.leftOut.length > 0 && (
        <details className="raw">
          <summary>{savings.leftOut.length === 1 ? "One thing" : `${savings.leftOut.length} things`} could not be compared</summary>
          <ul className="small">
            {savings.leftOut.map((each) => (
              <li key={each.subject}>{each.message}</li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function lower(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
