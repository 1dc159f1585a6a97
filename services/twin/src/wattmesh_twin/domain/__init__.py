"""What the simulated devices are and how energy flows through them: pure, no I/O."""
