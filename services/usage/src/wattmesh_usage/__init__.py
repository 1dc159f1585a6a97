"""What people need of assets, and what charge points see."""
