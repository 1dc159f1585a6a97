-- Reports of calendar months, as they were made, and what became of sending them.
CREATE TABLE monthly_reports (
    subject text COLLATE "C" NOT NULL,
    -- 2024-05
    month text COLLATE "C" NOT NULL,
    start_time timestamptz NOT NULL,
    end_time timestamptz NOT NULL,
    make_time timestamptz NOT NULL,
    words text NOT NULL,
    PRIMARY KEY (subject, month)
);
CREATE INDEX monthly_reports_by_month ON monthly_reports (month DESC, subject);

CREATE TABLE report_files (
    subject text COLLATE "C" NOT NULL,
    month text COLLATE "C" NOT NULL,
    format text NOT NULL,
    name text NOT NULL,
    media_type text NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (subject, month, format),
    FOREIGN KEY (subject, month) REFERENCES monthly_reports
);

CREATE TABLE report_deliveries (
    subject text COLLATE "C" NOT NULL,
    month text COLLATE "C" NOT NULL,
    recipient text NOT NULL,
    state text NOT NULL,
    time timestamptz NOT NULL,
    message text NOT NULL DEFAULT '',
    PRIMARY KEY (subject, month, recipient),
    FOREIGN KEY (subject, month) REFERENCES monthly_reports
);
CREATE INDEX report_deliveries_waiting ON report_deliveries (month) WHERE state = 'waiting';
