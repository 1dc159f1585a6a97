"""What the dashboard costs with a thousand sites and a hundred browsers."""
