CREATE TABLE plans (
    name          text PRIMARY KEY,
    scope         text NOT NULL,
    sites         text[] NOT NULL,
    start_time    timestamptz NOT NULL,
    end_time      timestamptz NOT NULL,
    resolution    interval NOT NULL,
    issue_time    timestamptz NOT NULL,
    accept_time   timestamptz,
    state         text NOT NULL CHECK (state IN ('made', 'late', 'failed')),
    message       text NOT NULL DEFAULT '',
    solve_ms      double precision,
    sources       jsonb NOT NULL DEFAULT '{}',
    setpoints     jsonb NOT NULL DEFAULT '[]',
    problem       bytea,
    solution      bytea
);

CREATE INDEX plans_by_scope ON plans (scope, start_time DESC, issue_time DESC);

CREATE TABLE triggered_plans (
    request_id    text PRIMARY KEY,
    plan          text NOT NULL REFERENCES plans (name)
);
