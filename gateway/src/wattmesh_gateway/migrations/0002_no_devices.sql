-- The devices are in the site model, which is kept in a file beside the spool.
DROP TABLE devices;
