-- What a plan was made without knowing, as data; `message` keeps why a plan failed, in words.
ALTER TABLE plans ADD COLUMN degradations jsonb NOT NULL DEFAULT '[]';
