// A record in an editor: what is wrong with it, what has changed, what it would have cost, and then it is stored.

import { clone, type DescMessage, type Message } from "@bufbuild/protobuf";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { words } from "../../api/errors.ts";
import { queries } from "../../api/queries.ts";
import { dashboard } from "../../api/transport.ts";
import type { PreviewChangeResponse } from "../../gen/wattmesh/dashboard/v1/dashboard_service_pb.ts";
import type { Site } from "../../gen/wattmesh/site/v1/site_pb.ts";
import { DAY, floorTo, HOUR, range } from "../../lib/time.ts";
import { store } from "../../live/hooks.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { BillPreview } from "./bill-preview.tsx";
import { changes, spokenPath } from "./fields.ts";
import { Fields, type Choices } from "./form.tsx";

const BILLED_DAYS = 30;
const THINKS_MS = 350;

export interface Editing {
  title: string;
  schema: DescMessage;
  /** What is stored; null: it is new. */
  stored: Message | null;
  /** What the form begins with. */
  begun: Message;
  /** The field of PreviewChangeRequest that it goes into. */
  record: "changedSite" | "changedAsset" | "changedDevice" | "changedTariff";
  fixed?: readonly string[];
  note?: string;
  /** Of a new one: what its name begins with; its last part is asked for. */
  parent?: string;
  /** Makes of what the form holds what is stored. */
  finish?: (record: Message) => Message;
  save: (record: Message) => Promise<unknown>;
  remove?: () => Promise<unknown>;
}

interface EditorProps {
  editing: Editing;
  site: Site;
  choices: Choices;
  onClose: () => void;
}

export function Editor({ editing, site, choices, onClose }: EditorProps) {
  const { schema, stored } = editing;
  const [draft] = useState(() => clone(schema, editing.begun));
  const [version, setVersion] = useState(0);
  const [leaving, setLeaving] = useState(false);
  const preview = usePreview(editing, site, draft, version);
  const faults = preview.data?.faults ?? [];
  const changed = useMemo(() => changes(schema, stored, draft), [schema, stored, draft, version]);
  const done = async (): Promise<void> => {
    await queries.invalidateQueries();
    onClose();
  };
  const saving = useMutation({ mutationFn: () => editing.save(finished(editing, draft)), onSuccess: done });
  const removing = useMutation({ mutationFn: () => editing.remove?.() ?? Promise.resolve(), onSuccess: done });
  const failure = saving.error ?? removing.error;
  const elsewhere = faults.filter((each) => each.field === "");
  return (
    <Dialog title={editing.title} wide onClose={onClose} onSubmit={() => saving.mutate()}>
      {editing.note !== undefined && <p className="muted small">{editing.note}</p>}
      {editing.parent !== undefined && <Id parent={editing.parent} draft={draft as Message & { name: string }} onChange={() => setVersion((before) => before + 1)} />}
      <Fields schema={schema} message={draft} path="" fixed={editing.fixed ?? []} faults={faults} choices={choices} onChange={() => setVersion((before) => before + 1)} />
      <section className="changes" aria-live="polite" tabIndex={0} aria-label="What would come of it">
        <h3>{stored === null ? "What will be created" : "What changes"}</h3>
        {changed.length === 0 ? (
          <p className="muted">Nothing yet.</p>
        ) : (
          <ul className="lines">
            {changed.slice(0, 12).map((each) => (
              <li key={each.path}>
                {spokenPath(each.path)}: {each.before !== "" && <del>{each.before}</del>} {each.after === "" ? <em>none</em> : <ins>{each.after}</ins>}
              </li>
            ))}
            {changed.length > 12 && <li className="muted">and {changed.length - 12} more</li>}
          </ul>
        )}
        {faults.length > 0 && (
          <p className="notice bad">
            {elsewhere[0]?.message ?? `${spokenPath(faults[0]?.field ?? "")}: ${faults[0]?.message ?? ""}`}
          </p>
        )}
        {preview.data !== undefined && <BillPreview preview={preview.data} days={BILLED_DAYS} />}
      </section>
      {failure !== null && (
        <p className="notice bad" role="alert">
          {words(failure)}
        </p>
      )}
      <footer>
        {editing.remove !== undefined &&
          (leaving ? (
            <button type="button" className="button danger primary" disabled={removing.isPending} onClick={() => removing.mutate()}>
              Delete it for good
            </button>
          ) : (
            <button type="button" className="button danger" onClick={() => setLeaving(true)}>
              Delete
            </button>
          ))}
        <span className="grow" />
        <button type="button" className="button" onClick={onClose}>
          Cancel
        </button>
        <button type="submit" className="button primary" disabled={changed.length === 0 || faults.length > 0 || saving.isPending}>
          {stored === null ? "Create it" : "Store it"}
        </button>
      </footer>
    </Dialog>
  );
}

function finished(editing: Editing, draft: Message): Message {
  const record = clone(editing.schema, draft);
  return editing.finish?.(record) ?? record;
}

function Id({ parent, draft, onChange }: { parent: string; draft: Message & { name: string }; onChange: () => void }) {
  return (
    <label className="field">
      <span>Id; it never changes</span>
      <input
        className="input"
        required
        pattern="[a-z][a-z0-9\-]{0,62}"
        placeholder="e.g. battery-2"
        value={draft.name.slice(parent.length + 1)}
        onChange={(event) => {
          draft.name = `${parent}/${event.target.value}`;
          onChange();
        }}
      />
    </label>
  );
}

/** What the dashboard thinks of the draft, asked once a person has stopped typing. */
function usePreview(editing: Editing, site: Site, draft: Message, version: number) {
  const [settled, setSettled] = useState(0);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(version), THINKS_MS);
    return () => clearTimeout(timer);
  }, [version]);
  return useQuery<PreviewChangeResponse>({
    queryKey: ["preview", editing.title, settled],
    queryFn: ({ signal }) => {
      const end = floorTo(store.now() ?? Date.now(), HOUR);
      const record = { case: editing.record, value: finished(editing, draft) } as never;
      return dashboard.previewChange({ site: site.name, record, billRange: range(end - BILLED_DAYS * DAY, end) }, { signal });
    },
    placeholderData: (before) => before,
    gcTime: 0,
  });
}
