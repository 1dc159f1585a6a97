-- What is known of chargers that tell no sessions by themselves: who is there, and since when.
CREATE TABLE plugs (
    device TEXT PRIMARY KEY,
    document TEXT NOT NULL
) WITHOUT ROWID;
