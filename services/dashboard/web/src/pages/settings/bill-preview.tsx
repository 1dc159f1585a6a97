// The bill as it was, and as it would have been.

import type { PreviewChangeResponse } from "../../gen/wattmesh/dashboard/v1/dashboard_service_pb.ts";
import { money, percent } from "../../lib/format.ts";

export function BillPreview({ preview, days }: { preview: PreviewChangeResponse; days: number }) {
  const { billBefore: before, billAfter: after, coveredRatio } = preview;
  if (after === undefined) return null;
  if (coveredRatio === 0) return <p className="muted">Nothing was metered in the last {days} days, so no bill can be compared.</p>;
  const names = [...new Set([...(before?.lines ?? []), ...after.lines].map((line) => line.displayName))];
  const amount = (bill: typeof before, name: string): number | null => {
    const lines = (bill?.lines ?? []).filter((line) => line.displayName === name);
    return lines.length === 0 ? null : lines.reduce((sum, line) => sum + Number(line.amount), 0);
  };
  const said = (value: number | null, currency: string): string => (value === null ? "–" : money(value, currency));
  const difference = before === undefined || before.currencyCode !== after.currencyCode ? null : Number(after.totalAmount) - Number(before.totalAmount);
  return (
    <div className="bill-preview">
      <h3>The bill of the last {days} days</h3>
      <table>
        <thead>
          <tr>
            <th scope="col">For</th>
            <th scope="col" className="right">As it was</th>
            <th scope="col" className="right">With the change</th>
          </tr>
        </thead>
        <tbody>
          {names.map((name) => (
            <tr key={name}>
              <td>{name}</td>
              <td className="right">{said(amount(before, name), before?.currencyCode ?? "")}</td>
              <td className="right">{said(amount(after, name), after.currencyCode)}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">Together</th>
            <td className="right">{before === undefined ? "–" : money(Number(before.totalAmount), before.currencyCode)}</td>
            <td className="right">
              <strong>{money(Number(after.totalAmount), after.currencyCode)}</strong>
            </td>
          </tr>
        </tfoot>
      </table>
      <p className="muted small">
        {difference !== null && Math.abs(difference) >= 0.005 && `${money(Math.abs(difference), after.currencyCode)} ${difference > 0 ? "more" : "less"}. `}
        {percent(coveredRatio)} of that time was metered. Devices did what they did: other prices would have been followed by other plans.
      </p>
    </div>
  );
}
