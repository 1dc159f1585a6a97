// What people do at the controls: hold a value, opt out of plans, stop everything.

import { useState } from "react";
import { HoldDialog } from "./hold-dialog.tsx";
import { LeaveDialog } from "./leave-dialog.tsx";

type Open = "hold" | "opt-out" | "stop" | null;

/** The actions of a site; of all sites only the stop, which asks of which. */
export function Actions({ subject }: { subject: string }) {
  const [open, setOpen] = useState<Open>(null);
  const close = (): void => setOpen(null);
  return (
    <>
      {subject !== "" && (
        <>
          <button type="button" className="button" onClick={() => setOpen("hold")}>
            Hold a value
          </button>
          <button type="button" className="button" onClick={() => setOpen("opt-out")}>
            Opt out
          </button>
        </>
      )}
      <button type="button" className="button danger" onClick={() => setOpen("stop")}>
        Emergency stop
      </button>
      {open === "hold" && <HoldDialog site={subject} onClose={close} />}
      {open === "opt-out" && <LeaveDialog subject={subject} stop={false} onClose={close} />}
      {open === "stop" && <LeaveDialog subject={subject} stop onClose={close} />}
    </>
  );
}
