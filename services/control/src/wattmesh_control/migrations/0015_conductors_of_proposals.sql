-- The conductors that carry what a proposal wants, where they are fewer than the device's: 'three' is its own.
ALTER TABLE proposals ADD COLUMN phase text NOT NULL DEFAULT 'three';
