"""What the twin does: run sites, deliver telegrams, provision, publish prices and carbon."""
