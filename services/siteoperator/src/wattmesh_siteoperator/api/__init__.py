"""The door to Kubernetes: resources in, status and events out."""
