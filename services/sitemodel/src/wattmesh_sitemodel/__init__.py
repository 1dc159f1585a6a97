"""The client that follows the site model: snapshot, changes, the last known model on disk."""
