"""What is served: models, versions, their signatures and states."""
