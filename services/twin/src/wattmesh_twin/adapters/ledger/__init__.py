"""The twin's memory on disk: what devices keep over a restart, and the ledger to check against."""
