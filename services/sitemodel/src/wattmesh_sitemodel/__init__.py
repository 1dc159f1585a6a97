"""The client that follows the site model: snapshot, changes, cache on disk."""
