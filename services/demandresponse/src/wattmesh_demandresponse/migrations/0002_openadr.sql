-- VENs, resources and reports as OpenADR clients have sent them.
CREATE TABLE openadr_objects (
    id text COLLATE "C" PRIMARY KEY,
    kind text NOT NULL,
    client_id text COLLATE "C" NOT NULL,
    create_time timestamptz NOT NULL,
    change_time timestamptz NOT NULL,
    document jsonb NOT NULL
);
CREATE INDEX openadr_objects_by_kind ON openadr_objects (kind, id);
CREATE INDEX openadr_objects_by_client ON openadr_objects (client_id, kind);
