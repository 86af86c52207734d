#!/usr/bin/env python3
"""A mail server on loopback: aiosmtpd, with TLS and a login required.

Each mail it takes becomes a line of JSON in --box, as Python's own mail parser reads it; a signature is verified by
dkimpy, with the DNS that --dkim gives. It stands in for a server that nobody here wrote; what it is told to do wrong,
real ones do too.
"""

import argparse
import asyncio
import email
import email.policy
import json
import pathlib
import ssl
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import dkim
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


class Box:
    """Takes mails, or does what it is told to do wrong."""

    def __init__(self, path, refuse, lose_replies, delay, keys):
        self.path, self.refuse, self.lose_replies, self.delay, self.keys = path, refuse, lose_replies, delay, keys

    def verified(self, content):
        """Whether the signature is right; None when there is none."""
        if b"DKIM-Signature:" not in content.partition(b"\r\n\r\n")[0]:
            return None
        look_up = lambda name, timeout=5: self.keys.get(name.decode().rstrip("."))
        try:
            return dkim.verify(content, dnsfunc=look_up)
        except dkim.DKIMException:
            return False

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refuse:
            return f"550 {self.refuse[address]} <{address}> is refused"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 taken"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        part = lambda kind: mail.get_body((kind,))
        content = lambda found: None if found is None else found.get_content()
        received = {
            "mail_from": envelope.mail_from,
            "rcpt_tos": envelope.rcpt_tos,
            "encrypted": session.ssl is not None or isinstance(server.transport.get_extra_info("ssl_object"), ssl.SSLObject),
            "login": session.authenticated,
            "subject": mail["Subject"],
            "from": mail["From"],
            "to": mail["To"],
            "message_id": mail["Message-ID"],
            "text": content(part("plain")),
            "html": content(part("html")),
            "list_unsubscribe": mail["List-Unsubscribe"],
            "list_unsubscribe_post": mail["List-Unsubscribe-Post"],
            "dkim": self.verified(envelope.original_content),
            # As if somebody had changed it on the way.
            "dkim_when_changed": self.verified(envelope.original_content.replace(b"One-Click", b"No-Click")),
            "defects": [str(defect) for whole in mail.walk() for defect in whole.defects],
        }
        with open(self.path, "a", encoding="utf-8") as box:
            box.write(json.dumps(received) + "\n")
        # It has the mail already, and delivers it whether or not anybody waits for the reply.
        await asyncio.sleep(self.delay)
        if self.lose_replies > 0:
            self.lose_replies -= 1
            server.transport.abort()
        return "250 2.0.0 taken"


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--cert", required=True, help="certificate, PEM")
    parser.add_argument("--key", required=True, help="its key, PEM")
    parser.add_argument("--user", required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--box", required=True, help="file that the mails are appended to")
    parser.add_argument("--refuse", metavar="ADDRESS=CODE", action="append", default=[], help="a recipient that is refused, with this enhanced code")
    parser.add_argument("--lose-replies", type=int, default=0, metavar="N", help="mails taken without a word")
    parser.add_argument("--delay", type=float, default=0, metavar="SECONDS", help="how long it takes over each mail")
    parser.add_argument("--dkim", metavar="NAME=RECORD", help="the DNS: one TXT record, such as s1._domainkey.example.com=…")
    parser.add_argument("--wrapped", action="store_true", help="TLS at once, in place of STARTTLS")
    return parser.parse_args()


def main():
    arguments = read_arguments()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(arguments.cert, arguments.key)

    def check(server, session, envelope, mechanism, login):
        wanted = (arguments.user.encode(), arguments.password.encode())
        # "Not handled": aiosmtpd itself is to answer.
        return AuthResult(success=(login.login, login.password) == wanted, handled=False)

    secured = (
        # aiosmtpd knows of its own STARTTLS only; under TLS from the start it would never offer a login.
        {"ssl_context": tls, "auth_require_tls": False}
        if arguments.wrapped
        else {"tls_context": tls, "require_starttls": True, "auth_require_tls": True}
    )
    name, _, record = (arguments.dkim or "").partition("=")
    box = Box(arguments.box, dict(pair.split("=") for pair in arguments.refuse), arguments.lose_replies, arguments.delay, {name: record.encode()})
    controller = Controller(
        box, hostname="127.0.0.1", port=arguments.port, authenticator=check, auth_required=True, **secured
    )
    controller.start()
    threading.Event().wait()


main()
