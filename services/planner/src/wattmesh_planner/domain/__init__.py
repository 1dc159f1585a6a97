"""What a plan is made of and when it is due: no I/O."""
