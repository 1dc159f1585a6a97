// Small parts of the settings.

import type { ReactNode } from "react";

export function Heads({ of }: { of: string[] }) {
  return (
    <thead>
      <tr>
        {of.map((title) => (
          <th key={title} scope="col">
            {title}
          </th>
        ))}
        <th scope="col">
          <span className="hidden">Change</span>
        </th>
      </tr>
    </thead>
  );
}

export function EditButton({ of, onClick }: { of: string; onClick: () => void }) {
  return (
    <button type="button" className="button" aria-label={`Edit ${of}`} onClick={onClick}>
      Edit
    </button>
  );
}

export function AddButton({ what, onClick }: { what: string; onClick: () => void }) {
  return (
    <button type="button" className="button" onClick={onClick}>
      Add {what}
    </button>
  );
}

export function Pair({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
