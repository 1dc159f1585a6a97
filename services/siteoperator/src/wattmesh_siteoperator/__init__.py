"""Sites as resources of Kubernetes: registered as they are written, told how that went."""
