-- What subscribers of OpenADR are still to be told, in its order.
CREATE TABLE call_backs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subscription text COLLATE "C" NOT NULL,
    create_time timestamptz NOT NULL,
    url text NOT NULL,
    token text NOT NULL,
    body jsonb NOT NULL
);
CREATE INDEX call_backs_by_subscription ON call_backs (subscription, id);
-- Up to which revision of the records they were told.
CREATE TABLE call_backs_told (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    revision bigint NOT NULL
);
