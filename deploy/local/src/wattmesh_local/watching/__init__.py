"""Looking at a running mesh through its public contracts: live view, accounts, report."""
