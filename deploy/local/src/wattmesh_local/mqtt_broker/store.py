"""Persistent sessions on disk: their subscriptions and the messages they have yet to get."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (client TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS subscriptions (
    client TEXT NOT NULL, filter TEXT NOT NULL, PRIMARY KEY (client, filter)
);
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, client TEXT NOT NULL, topic TEXT NOT NULL,
    payload BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS messages_by_client ON messages (client, id);
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredMessage:
    """A message for one client."""

    id: int
    topic: str
    payload: bytes


class SessionStore:
    """SQLite in WAL mode: what is committed survives the end of the process at any moment."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def clients(self) -> list[str]:
        """Return every client with a persistent session."""
        return [row[0] for row in self._db.execute("SELECT client FROM sessions ORDER BY client")]

    def subscriptions(self, client: str) -> list[str]:
        """Return a client's topic filters."""
        rows = self._db.execute("SELECT filter FROM subscriptions WHERE client = ?", (client,))
        return [row[0] for row in rows]

    def messages(self, client: str) -> list[StoredMessage]:
        """Return what a client has not acknowledged, in the order of publication."""
        rows = self._db.execute(
            "SELECT id, topic, payload FROM messages WHERE client = ? ORDER BY id", (client,)
        )
        return [StoredMessage(id=id_, topic=topic, payload=data) for id_, topic, data in rows]

    def subscribe(self, client: str, topic_filter: str) -> None:
        """Remember a subscription, and the session with it."""
        with self._transaction():
            self._db.execute("INSERT OR IGNORE INTO sessions VALUES (?)", (client,))
            self._db.execute(
                "INSERT OR IGNORE INTO subscriptions VALUES (?, ?)", (client, topic_filter)
            )

    def unsubscribe(self, client: str, topic_filter: str) -> None:
        """Forget a subscription."""
        self._db.execute(
            "DELETE FROM subscriptions WHERE client = ? AND filter = ?", (client, topic_filter)
        )

    def forget(self, client: str) -> None:
        """Forget a session and everything of it."""
        with self._transaction():
            for table in ("sessions", "subscriptions", "messages"):
                self._db.execute(f"DELETE FROM {table} WHERE client = ?", (client,))

    def add(self, clients: Iterable[str], topic: str, payload: bytes) -> dict[str, StoredMessage]:
        """Store a message for each of these clients, all or none."""
        added: dict[str, StoredMessage] = {}
        with self._transaction():
            for client in clients:
                row = self._db.execute(
                    "INSERT INTO messages (client, topic, payload) VALUES (?, ?, ?) RETURNING id",
                    (client, topic, payload),
                ).fetchone()
                added[client] = StoredMessage(id=row[0], topic=topic, payload=payload)
        return added

    def remove(self, message: StoredMessage) -> None:
        """Delete a message that was acknowledged."""
        self._db.execute("DELETE FROM messages WHERE id = ?", (message.id,))

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._db)


class _Transaction:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")
