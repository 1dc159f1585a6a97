import { useState } from "react";
import { words } from "../api/errors.ts";
import { operator } from "../api/transport.ts";
import type { Hold } from "../gen/wattmesh/control/v1/hold_pb.ts";
import { Dialog, PersonFields, rememberedOwner, rememberOwner } from "./dialog.tsx";
import { titleOf } from "./holds.tsx";

export function ReleaseDialog({ hold, onClose }: { hold: Hold; onClose: () => void }) {
  const [owner, setOwner] = useState(rememberedOwner);
  const [reason, setReason] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const release = async (): Promise<void> => {
    setBusy(true);
    try {
      await operator.releaseHold({ name: hold.name, owner, reason });
      rememberOwner(owner);
      onClose();
    } catch (failure) {
      setError(words(failure));
      setBusy(false);
    }
  };
  return (
    <Dialog title="Release" onClose={onClose} onSubmit={() => void release()}>
      <p>{titleOf(hold)}. What waits behind it goes on at once.</p>
      <PersonFields owner={owner} reason={reason} onOwner={setOwner} onReason={setReason} />
      {error !== "" && (
        <p className="notice bad" role="alert">
          {error}
        </p>
      )}
      <footer>
        <button type="button" className="button" onClick={onClose}>
          Keep it
        </button>
        <button type="submit" className="button primary" disabled={busy}>
          Release
        </button>
      </footer>
    </Dialog>
  );
}
