"""A mesh for assistants: what they may read, and what a person may let them do, over MCP."""
