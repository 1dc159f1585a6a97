"""What a loop decides between commands: pure, by what its meter shows and its members were told."""
