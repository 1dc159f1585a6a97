"""The planner's gRPC face."""
