import { useEffect, useRef, type ReactNode } from "react";

interface DialogProps {
  title: string;
  /** For long forms. */
  wide?: boolean;
  onClose: () => void;
  onSubmit: () => void;
  children: ReactNode;
}

/** The browser's own dialog: it keeps the focus, closes on Escape, and is read as what it is. */
export function Dialog({ title, wide = false, onClose, onSubmit, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const shown = dialog.current;
    if (shown !== null && !shown.open) shown.showModal();
    return () => shown?.close();
  }, []);
  return (
    <dialog ref={dialog} className={wide ? "wide" : undefined} onClose={onClose} aria-label={title}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit();
        }}
      >
        <h2 style={{ fontSize: "1.1rem" }}>{title}</h2>
        {children}
      </form>
    </dialog>
  );
}

interface PersonProps {
  owner: string;
  reason: string;
  onOwner: (owner: string) => void;
  onReason: (reason: string) => void;
}

/** Who does it and why: kept for good. */
export function PersonFields({ owner, reason, onOwner, onReason }: PersonProps) {
  return (
    <>
      <label className="field">
        <span>Who you are</span>
        <input
          className="input"
          value={owner}
          onChange={(event) => onOwner(event.target.value)}
          required
          maxLength={128}
          autoComplete="username"
        />
      </label>
      <label className="field">
        <span>Why; it is kept for good</span>
        <input
          className="input"
          value={reason}
          onChange={(event) => onReason(event.target.value)}
          required
          maxLength={1000}
        />
      </label>
    </>
  );
}

const OWNER = "owner";

export function rememberedOwner(): string {
  try {
    return localStorage.getItem(OWNER) ?? "";
  } catch {
    return "";
  }
}

export function rememberOwner(owner: string): void {
  try {
    localStorage.setItem(OWNER, owner);
  } catch {
    // A browser that keeps nothing asks again.
  }
}
