// A form for any record of the contracts, made from its descriptor: a field that is added to a contract is in it.

import { create, ScalarType, type DescField, type DescMessage, type DescOneof, type Message } from "@bufbuild/protobuf";
import { useId, useState, type ReactNode } from "react";
import { called, clockOf, enumWords, isAt, isGiven, minuteOf, secondsOf, spanOf } from "./fields.ts";

/** A message as what it is: its fields by their local names. */
type Open = Record<string, unknown>;

export interface Fault {
  field: string;
  message: string;
}

export interface Choices {
  /** What a field that names another record can be, by the field's full name: `wattmesh.site.v1.Site.tariff`. */
  [field: string]: ReadonlyArray<{ value: string; title: string }>;
}

interface Around {
  path: string;
  faults: readonly Fault[];
  choices: Choices;
  onChange: () => void;
}

interface FieldsProps extends Around {
  schema: DescMessage;
  message: Message;
  /** Oneofs whose case never changes. */
  fixed?: readonly string[];
}

export function Fields({ schema, message, fixed = [], ...around }: FieldsProps) {
  const open = message as unknown as Open;
  return (
    <div className="form-fields">
      {schema.members.map((member) =>
        member.kind === "oneof" ? (
          <OneOf key={member.name} oneof={member} open={open} fixed={fixed.includes(member.name)} {...around} />
        ) : (
          !isGiven(member) && <Field key={member.name} field={member} open={open} {...around} path={under(around.path, member.name)} />
        ),
      )}
    </div>
  );
}

function under(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

interface OneOfProps extends Around {
  oneof: DescOneof;
  open: Open;
  fixed: boolean;
}

function OneOf({ oneof, open, fixed, ...around }: OneOfProps) {
  const chosen = open[oneof.localName] as { case?: string; value?: unknown };
  const field = oneof.fields.find((each) => each.localName === chosen.case);
  const choose = (name: string): void => {
    const wanted = oneof.fields.find((each) => each.name === name);
    open[oneof.localName] =
      wanted?.fieldKind === "message" ? { case: wanted.localName, value: create(wanted.message) } : { case: undefined };
    around.onChange();
  };
  const message = field?.fieldKind === "message" ? field : undefined;
  return (
    <fieldset className="part">
      <legend>{called(fixed && field !== undefined ? field.name : oneof.name).label}</legend>
      {!fixed && (
        <Labelled label="Which">
          {(id) => (
            <select id={id} className="select" value={field?.name ?? ""} onChange={(event) => choose(event.target.value)}>
              <option value="">none</option>
              {oneof.fields.map((each) => (
                <option key={each.name} value={each.name}>
                  {called(each.name).label}
                </option>
              ))}
            </select>
          )}
        </Labelled>
      )}
      {message !== undefined && (
        <Fields schema={message.message} message={chosen.value as Message} {...around} path={under(around.path, message.name)} />
      )}
    </fieldset>
  );
}

interface FieldProps extends Around {
  field: DescField;
  open: Open;
}

function Field({ field, open, ...around }: FieldProps) {
  const set = (value: unknown): void => {
    open[field.localName] = value;
    around.onChange();
  };
  const value = open[field.localName];
  const { label, unit } = called(field.name);
  const fault = around.faults.find((each) => isAt(around.path, each.field))?.message;
  const shared = { label, unit, fault };
  switch (field.fieldKind) {
    case "scalar": {
      const choices = around.choices[`${field.parent.typeName}.${field.name}`];
      const optional = field.presence === 1;
      if (field.scalar === ScalarType.BOOL) return <Check label={label} checked={value === true} onChange={set} />;
      if (choices !== undefined) return <Choice {...shared} value={String(value)} choices={choices} onChange={set} />;
      if (field.scalar === ScalarType.STRING) return <Text {...shared} value={String(value ?? "")} onChange={set} />;
      if (field.name.endsWith("_minute")) {
        return <Parsed {...shared} label={label.replace(/ minute$/, "")} unit="" value={clockOf(Number(value))} parse={minuteOf} onChange={set} />;
      }
      return <Numeric {...shared} value={value as number | bigint | undefined} optional={optional} big={isBig(field.scalar)} onChange={set} />;
    }
    case "enum": {
      const choices = field.enum.values.map((each) => ({
        value: String(each.number),
        title: enumWords(each.name, field.enum.sharedPrefix?.toUpperCase() ?? ""),
      }));
      return <Choice {...shared} value={String(value ?? 0)} choices={choices} onChange={(text) => set(Number(text))} />;
    }
    case "message":
      return <Part field={field} value={value as Message | undefined} set={set} {...around} shared={shared} />;
    case "list":
      return <List field={field} items={value as unknown[]} set={set} {...around} shared={shared} />;
    case "map":
      return <Pairs {...shared} pairs={value as Record<string, unknown>} onChange={set} />;
  }
}

interface Shared {
  label: string;
  unit: string;
  fault: string | undefined;
}

interface PartProps extends Around {
  field: DescField & { fieldKind: "message" };
  value: Message | undefined;
  set: (value: unknown) => void;
  shared: Shared;
}

function Part({ field, value, set, shared, ...around }: PartProps) {
  if (field.message.typeName === "google.protobuf.Duration") {
    const seconds = Number((value as unknown as { seconds: bigint } | undefined)?.seconds ?? 0n);
    const parse = (text: string): unknown => {
      if (text.trim() === "") return undefined;
      const found = secondsOf(text);
      return found === null ? null : create(field.message, { seconds: BigInt(Math.round(found)) } as never);
    };
    return <Parsed {...shared} unit="e.g. 15 min" value={value === undefined ? "" : spanOf(seconds)} parse={parse} onChange={set} />;
  }
  if (field.message.typeName === "google.protobuf.Timestamp") {
    const ms = Number((value as unknown as { seconds: bigint } | undefined)?.seconds ?? 0n) * 1000;
    const parse = (text: string): unknown => {
      if (text.trim() === "") return undefined;
      const found = Date.parse(text);
      return Number.isNaN(found) ? null : create(field.message, { seconds: BigInt(Math.floor(found / 1000)) } as never);
    };
    return <Parsed {...shared} unit="UTC" value={value === undefined ? "" : new Date(ms).toISOString()} parse={parse} onChange={set} />;
  }
  return (
    <fieldset className="part">
      <legend>{shared.label}</legend>
      {value === undefined ? (
        <button type="button" className="button" onClick={() => set(create(field.message))}>
          Add {shared.label.toLowerCase()}
        </button>
      ) : (
        <>
          <Fields schema={field.message} message={value} {...around} />
          <button type="button" className="button danger" onClick={() => set(undefined)}>
            Leave {shared.label.toLowerCase()} out
          </button>
        </>
      )}
      <Wrong text={shared.fault} />
    </fieldset>
  );
}

interface ListProps extends Around {
  field: DescField & { fieldKind: "list" };
  items: unknown[];
  set: (value: unknown) => void;
  shared: Shared;
}

function List({ field, items, set, shared, ...around }: ListProps) {
  if (field.listKind === "scalar") {
    const parse = (text: string): string[] => text.split(",").map((each) => each.trim()).filter((each) => each !== "");
    return <Parsed {...shared} unit="separated by commas" value={items.map(String).join(", ")} parse={parse} onChange={set} />;
  }
  if (field.listKind === "enum") {
    const prefix = field.enum.sharedPrefix?.toUpperCase() ?? "";
    return (
      <fieldset className="part">
        <legend>{shared.label}</legend>
        <div className="filters">
          {field.enum.values.slice(1).map((each) => (
            <Check
              key={each.number}
              label={enumWords(each.name, prefix)}
              checked={items.includes(each.number)}
              onChange={(on) => set(on ? [...items, each.number] : items.filter((one) => one !== each.number))}
            />
          ))}
        </div>
      </fieldset>
    );
  }
  if (field.message.typeName === "wattmesh.site.v1.Point") {
    return <Points field={field} items={items} set={set} shared={shared} />;
  }
  const single = shared.label.toLowerCase().replace(/s$/, "");
  return (
    <fieldset className="part">
      <legend>{shared.label}</legend>
      {items.map((item, place) => (
        <fieldset className="part" key={place}>
          <legend>
            {shared.label.replace(/s$/, "")} {place + 1}
          </legend>
          <Fields schema={field.message} message={item as Message} {...around} path={`${around.path}[${place}]`} />
          <button type="button" className="button danger" onClick={() => set(items.filter((_, other) => other !== place))}>
            Remove {single} {place + 1}
          </button>
        </fieldset>
      ))}
      <button type="button" className="button" onClick={() => set([...items, create(field.message)])}>
        Add {single}
      </button>
      <Wrong text={shared.fault} />
    </fieldset>
  );
}

/** Points are told by their quantities: `import_energy_wh`. Those that are there keep their names. */
function Points({ field, items, set, shared }: Omit<ListProps, keyof Around>) {
  const names = (items as Array<{ name: string }>).map((each) => each.name);
  const short = names.map((name) => name.slice(name.lastIndexOf("/") + 1));
  const parse = (text: string): unknown[] =>
    text
      .split(",")
      .map((each) => each.trim())
      .filter((each) => each !== "")
      .map((each) => {
        const place = short.indexOf(each);
        return place >= 0 ? items[place] : create((field as DescField & { fieldKind: "list"; listKind: "message" }).message, { name: each } as never);
      });
  return <Parsed {...shared} unit="quantities, separated by commas" value={short.join(", ")} parse={parse} onChange={set} />;
}

function isBig(scalar: ScalarType): boolean {
  return [ScalarType.INT64, ScalarType.SINT64, ScalarType.SFIXED64, ScalarType.UINT64, ScalarType.FIXED64].includes(scalar);
}

function Labelled({ label, unit = "", fault, children }: { label: string; unit?: string; fault?: string | undefined; children: (id: string) => ReactNode }) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>
        {label}
        {unit !== "" && <small> {unit}</small>}
      </label>
      {children(id)}
      <Wrong text={fault} />
    </div>
  );
}

function Wrong({ text }: { text: string | undefined }) {
  return text === undefined ? null : (
    <small className="wrong" role="alert">
      {text}
    </small>
  );
}

interface InputProps<T> extends Shared {
  value: string;
  onChange: (value: T) => void;
}

function Text({ value, onChange, fault, ...rest }: InputProps<string>) {
  return (
    <Labelled {...rest} fault={fault}>
      {(id) => <input id={id} className="input" value={value} aria-invalid={fault !== undefined} onChange={(event) => onChange(event.target.value)} />}
    </Labelled>
  );
}

interface NumericProps extends Shared {
  value: number | bigint | undefined;
  optional: boolean;
  big: boolean;
  onChange: (value: number | bigint | undefined) => void;
}

function Numeric({ value, optional, big, onChange, ...shared }: NumericProps) {
  const parse = (text: string): number | bigint | null | undefined => {
    if (text.trim() === "") return optional ? undefined : big ? 0n : 0;
    const found = Number(text);
    if (!Number.isFinite(found)) return null;
    return big ? BigInt(Math.round(found)) : found;
  };
  return <Parsed {...shared} numeric value={value === undefined ? "" : String(value)} parse={parse} onChange={(found) => onChange(found as number | undefined)} />;
}

interface ParsedProps extends Shared {
  value: string;
  numeric?: boolean;
  /** What a text means; null: nothing. */
  parse: (text: string) => unknown;
  onChange: (value: unknown) => void;
}

/** A text that means something: what is typed stays as it is until it does. */
function Parsed({ value, parse, onChange, numeric = false, label, unit, fault }: ParsedProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const wrong = typed !== null && parse(typed) === null ? `${typed} is not understood` : fault;
  return (
    <Labelled label={label} unit={unit} fault={wrong}>
      {(id) => (
        <input
          id={id}
          className="input"
          inputMode={numeric ? "decimal" : undefined}
          value={typed ?? value}
          aria-invalid={wrong !== undefined}
          onChange={(event) => {
            setTyped(event.target.value);
            const found = parse(event.target.value);
            if (found !== null) onChange(found);
          }}
          onBlur={() => {
            if (typed !== null && parse(typed) !== null) setTyped(null);
          }}
        />
      )}
    </Labelled>
  );
}

function Check({ label, checked, onChange }: { label: string; checked: boolean; onChange: (on: boolean) => void }) {
  return (
    <label className="check">
      <input type="checkbox" checked={checked} onChange={(event) => onChange(event.target.checked)} />
      {label}
    </label>
  );
}

interface ChoiceProps extends InputProps<string> {
  choices: ReadonlyArray<{ value: string; title: string }>;
}

function Choice({ value, choices, onChange, fault, ...rest }: ChoiceProps) {
  const known = choices.some((each) => each.value === value);
  return (
    <Labelled {...rest} fault={fault}>
      {(id) => (
        <select id={id} className="select" value={value} aria-invalid={fault !== undefined} onChange={(event) => onChange(event.target.value)}>
          {!known && <option value={value}>{value || "none"}</option>}
          {choices.map((each) => (
            <option key={each.value} value={each.value}>
              {each.title}
            </option>
          ))}
        </select>
      )}
    </Labelled>
  );
}

/** Names with values, a line each: `name=value`. */
function Pairs({ pairs, onChange, ...shared }: Shared & { pairs: Record<string, unknown>; onChange: (pairs: unknown) => void }) {
  const parse = (text: string): Record<string, string> | null => {
    const lines = text.split(",").map((each) => each.trim()).filter((each) => each !== "");
    const found = lines.map((line) => line.split("="));
    if (found.some((parts) => parts.length < 2)) return null;
    return Object.fromEntries(found.map(([key = "", ...rest]) => [key.trim(), rest.join("=").trim()]));
  };
  const value = Object.entries(pairs).map(([key, each]) => `${key}=${String(each)}`).join(", ");
  return <Parsed {...shared} unit="name=value, separated by commas" value={value} parse={parse} onChange={onChange} />;
}
