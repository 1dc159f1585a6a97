"""Mails by SMTP (RFC 5321), one recipient each."""

import asyncio
import hashlib
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from enum import Enum

from wattmesh_analytics.app.report_ports import Mail, NotSent, Outcome, Refused, Sent, Unsure

_PATIENCE_SECONDS = 30.0
_TAKEN = 250
_ALSO_TAKEN = 251
_FOR_GOOD = 500


class Security(Enum):
    """How the line to a mail server is secured."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, kw_only=True, slots=True)
class MailServer:
    """Where mails are handed over; without a user nobody is named."""

    host: str
    port: int
    sender: str
    security: Security = Security.STARTTLS
    user: str | None = None
    password: str = ""


class SmtpMailer:
    """Mailer. What went wrong before a mail was handed over is no mail; after that nobody knows."""

    def __init__(self, server: MailServer, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        self._server = server
        self._patience_seconds = patience_seconds

    async def send(self, mail: Mail) -> Outcome:
        """Try once, in a thread: SMTP waits for the server at every step."""
        return await asyncio.to_thread(self._send, mail)

    def _send(self, mail: Mail) -> Outcome:
        message = message_of(mail, self._server.sender)
        try:
            with self._line() as line:
                refused = self._offered(line, mail.recipient)
                return _handed_over(line, message) if refused is None else refused
        except (smtplib.SMTPException, OSError) as error:
            return NotSent(_why(error))

    @contextmanager
    def _line(self) -> Iterator[smtplib.SMTP]:
        server, context = self._server, ssl.create_default_context()
        to, patience = (server.host, server.port), self._patience_seconds
        line = (
            smtplib.SMTP_SSL(*to, timeout=patience, context=context)
            if server.security is Security.TLS
            else smtplib.SMTP(*to, timeout=patience)
        )
        try:
            if server.security is Security.STARTTLS:
                line.starttls(context=context)
            if server.user is not None:
                line.login(server.user, server.password)
            line.ehlo_or_helo_if_needed()
            yield line
        finally:
            with suppress(smtplib.SMTPException, OSError):
                line.quit()

    def _offered(self, line: smtplib.SMTP, recipient: str) -> Outcome | None:
        """Return why a mail is not taken; None: it may be handed over."""
        for answer in (line.mail(self._server.sender), line.rcpt(recipient)):
            if answer[0] not in (_TAKEN, _ALSO_TAKEN):
                return _turned_down(*answer)
        return None


def message_of(mail: Mail, sender: str) -> EmailMessage:
    """Return a mail as it is sent; the same one has the same id, by which readers know a double."""
    message = EmailMessage()
    key = hashlib.blake2s(mail.key.encode(), digest_size=16).hexdigest()
    message["Message-ID"] = f"<{key}@{sender.rpartition('@')[2]}>"
    message["From"], message["To"] = sender, mail.recipient
    message["Subject"] = f"Wattmesh, {mail.title}"
    message.set_content(mail.words)
    for file in mail.files:
        main, _, sub = file.media_type.partition("/")
        message.add_attachment(file.content, maintype=main, subtype=sub, filename=file.name)
    return message


def _handed_over(line: smtplib.SMTP, message: EmailMessage) -> Outcome:
    try:
        code, said = line.data(message.as_bytes())
    except smtplib.SMTPDataError as error:  # it did not want to see it
        return _turned_down(error.smtp_code, error.smtp_error)
    except (smtplib.SMTPException, OSError) as error:
        return Unsure(_why(error))
    return Sent() if code == _TAKEN else _turned_down(code, said)


def _turned_down(code: int, said: bytes | str) -> Outcome:
    words = said.decode(errors="replace") if isinstance(said, bytes) else said
    why = f"the mail server said {code} {words}"[:500]
    return Refused(why) if code >= _FOR_GOOD else NotSent(why)


def _why(error: Exception) -> str:
    return f"the line to the mail server broke: {error!r}"[:500]
