"""The planner's ways to the database and to the other services."""
