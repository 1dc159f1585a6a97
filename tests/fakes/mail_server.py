"""A mail server that speaks as much of SMTP as mails need, and keeps what it is given."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage


class MailServer:
    """What it was given; how it behaves can be set.

    `answers`: what it says to a command instead of taking it, as `550 no such person`.
    `hangs_up`: it takes a mail and hangs up before it says so.
    """

    def __init__(self) -> None:
        self.port = 0
        self.taken: list[EmailMessage] = []
        self.answers: dict[str, str] = {}
        self.hangs_up = False

    @property
    def recipients(self) -> list[str]:
        """Who was sent something, in order."""
        return [each["To"] for each in self.taken]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak with one client."""
        _say(writer, "220 mail.test")
        while line := await reader.readline():
            command = line.decode().split(" ")[0].strip().upper()
            if command in self.answers:
                _say(writer, self.answers[command])
            elif command == "DATA":
                _say(writer, "354 go on")
                content = await reader.readuntil(b"\r\n.\r\n")
                self.taken.append(message_from_bytes(content[:-5], policy=policy.default))
                if self.hangs_up:
                    break
                _say(writer, "250 taken")
            elif command == "QUIT":
                _say(writer, "221 bye")
                break
            else:
                _say(writer, "250 fine")
        writer.close()


def _say(writer: asyncio.StreamWriter, line: str) -> None:
    writer.write(f"{line}\r\n".encode())


@asynccontextmanager
async def mail_server() -> AsyncIterator[MailServer]:
    """Serve one on loopback."""
    mails = MailServer()
    server = await asyncio.start_server(mails.serve, "127.0.0.1", 0, limit=2**24)
    mails.port = server.sockets[0].getsockname()[1]
    try:
        yield mails
    finally:
        server.close()
