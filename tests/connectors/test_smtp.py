"""The submission connector against a real server, and what its errors mean."""

import socket
import ssl
import threading
from contextlib import contextmanager

import pytest
from servers.certificates import issue
from servers.dovecot import free_port
from servers.submission import Behaviour, Submission

from mail_crm_link.connectors.errors import (
    NotAllowed,
    OutcomeUnknown,
    ProviderBroken,
    SignInNeeded,
    Transient,
    Undeliverable,
)
from mail_crm_link.connectors.network import Network
from mail_crm_link.connectors.smtp import SMTPConnector

RAW = b"From: me@our.example\r\nSubject: Hi\r\n\r\n.dot\r\n..dots\r\nend\r\n"
ANNA = "anna@x.example"


@contextmanager
def opened(server, security="none", password=None, port=None, **options):
    secret = server.password if password is None else password
    connector = SMTPConnector(server.host, port or server.port, security, "me", secret, timeout=3, **options)
    try:
        connector.open()
        yield connector
    finally:
        connector.close()


@pytest.fixture
def server():
    with Submission() as running:
        yield running


@pytest.fixture
def certificate(tmp_path):
    files = issue(tmp_path, "valid")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    return context, ssl.create_default_context(cafile=str(files.authority))


class TestSending:
    def test_every_octet_arrives_at_every_recipient(self, server):
        with opened(server) as connector:
            handover = connector.send("me@our.example", [ANNA, "bob@x.example"], RAW)
        [taken] = server.taken
        assert (taken.raw, taken.recipients) == (RAW, [ANNA, "bob@x.example"])
        assert (taken.sender, taken.login) == ("me@our.example", "me")
        assert (handover.refused, handover.deferred) == ({}, {})

    def test_who_is_refused_is_named_with_the_words(self, server):
        server.behaviour = Behaviour(recipients={ANNA: "550 5.1.1 Nobody here", "b@x.example": "450 Later"})
        with opened(server) as connector:
            handover = connector.send("me@our.example", [ANNA, "b@x.example", "c@x.example"], RAW)
        assert handover.refused == {ANNA: "5.1.1 Nobody here"}
        assert handover.deferred == {"b@x.example": "Later"}
        assert server.taken[0].recipients == ["c@x.example"]

    def test_all_refused_for_good(self, server):
        server.behaviour = Behaviour(recipients={ANNA: "550 5.1.1 Nobody here"})
        with opened(server) as connector, pytest.raises(Undeliverable) as caught:
            connector.send("me@our.example", [ANNA], RAW)
        assert caught.value.cause == "recipients_refused"
        assert caught.value.recipients == {ANNA: "5.1.1 Nobody here"}

    def test_all_put_off(self, server):
        server.behaviour = Behaviour(recipients={ANNA: "450 Later"})
        with opened(server) as connector, pytest.raises(Transient):
            connector.send("me@our.example", [ANNA], RAW)

    @pytest.mark.parametrize(
        ("answer", "error", "cause"),
        [
            ("554 5.7.1 Spam", Undeliverable, "mail_refused"),
            ("552 5.3.4 Too big", Undeliverable, "mail_too_large"),
            ("553 5.7.1 me@our.example is not yours", Undeliverable, "sender_refused"),
            (
                "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
                Undeliverable,
                "sender_refused",
            ),
            (
                "554 5.2.252 SendAsDenied; a@b.example not allowed to send as c@d.example",
                Undeliverable,
                "sender_refused",
            ),
            ("550 Requested action not taken: Sender address is not allowed.", Undeliverable, "sender_refused"),
            ("550 5.4.5 Daily user sending quota exceeded. o65sm2535pga.71 - gsmtp", Transient, "throttled"),
            ("451 4.3.0 Try later", Transient, "unavailable"),
        ],
    )
    def test_a_refused_mail(self, server, answer, error, cause):
        server.behaviour = Behaviour(mail=answer)
        with opened(server) as connector, pytest.raises(error) as caught:
            connector.send("me@our.example", [ANNA], RAW)
        assert caught.value.cause == cause
        assert answer[4:] in str(caught.value)

    @pytest.mark.parametrize("cut", ["before", "after"])
    def test_a_lost_answer_is_an_unknown_outcome(self, server, cut):
        server.behaviour = Behaviour(cut=cut)
        steps = []
        with opened(server) as connector, pytest.raises(OutcomeUnknown):
            connector.send("me@our.example", [ANNA], RAW, lambda: steps.append("handing over"))
        assert steps == ["handing over"]

    def test_before_the_server_waits_for_it_nothing_is_handed_over(self, server):
        server.behaviour = Behaviour(recipients={ANNA: "550 no"})
        steps = []
        with opened(server) as connector, pytest.raises(Undeliverable):
            connector.send("me@our.example", [ANNA], RAW, lambda: steps.append("handing over"))
        assert steps == []

    def test_too_large_is_known_before_anything_is_sent(self):
        with Submission(size=1000) as server, opened(server) as connector:
            assert connector.size_limit == 1000
            with pytest.raises(Undeliverable) as caught:
                connector.send("me@our.example", [ANNA], RAW + b"x" * 1000)
        assert caught.value.cause == "mail_too_large"

    def test_addresses_beyond_ascii(self, server):
        with opened(server) as connector:
            connector.send("me@our.example", ["jörg@x.example"], RAW)
        assert server.taken[0].recipients == ["jörg@x.example"]


class TestConnecting:
    def test_a_wrong_password(self, server):
        with pytest.raises(SignInNeeded) as caught, opened(server, password="wrong-horse"):
            pass
        assert caught.value.cause == "wrong_password"
        assert "wrong-horse" not in str(caught.value)

    def test_a_password_beyond_ascii(self):
        with Submission(password="pässwörd") as server, opened(server) as connector:
            connector.send("me@our.example", [ANNA], RAW)

    def test_a_server_without_sign_in_is_sent_through(self):
        with Submission(mechanisms=()) as server, opened(server) as connector:
            connector.send("me@our.example", [ANNA], RAW)

    def test_nothing_listens(self, server):
        with pytest.raises(Transient) as caught, opened(server, port=free_port()):
            pass
        assert caught.value.cause == "refused"

    def test_a_server_that_says_nothing(self, server):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            with pytest.raises(Transient) as caught, opened(server, port=silent.getsockname()[1]):
                pass
        assert caught.value.cause == "timeout"

    def test_what_is_no_submission_server(self, server):
        with socket.create_server(("127.0.0.1", 0)) as other:

            def greet():
                connection = other.accept()[0]
                connection.sendall(b"* OK IMAP4rev1 ready\r\n")
                connection.recv(100)
                connection.close()

            thread = threading.Thread(target=greet)
            thread.start()
            with pytest.raises(ProviderBroken) as caught, opened(server, port=other.getsockname()[1]):
                pass
            thread.join()
        assert caught.value.cause == "not_smtp"

    def test_where_it_may_not_connect_it_does_not(self, server):
        with pytest.raises(NotAllowed) as caught, opened(server, network=Network(private=False)):
            pass
        assert caught.value.cause == "host_private"

    def test_nothing_unencrypted_leaves_this_machine_where_that_is_forbidden(self):
        connector = SMTPConnector("mail.example", 25, "none", "me", "x", network=Network(plain=False))
        with pytest.raises(NotAllowed) as caught:
            connector.open()
        assert caught.value.cause == "not_encrypted"


class TestEncryption:
    @pytest.mark.parametrize("security", ["ssl", "starttls"])
    def test_both_ways(self, certificate, security):
        ours, trusting = certificate
        with (
            Submission(tls=ours, starttls=security == "starttls") as server,
            opened(server, security, ssl_context=trusting) as connector,
        ):
            connector.send("me@our.example", [ANNA], RAW)
        assert server.taken[0].login == "me"

    @pytest.mark.parametrize("security", ["ssl", "starttls"])
    def test_a_certificate_that_nobody_signed_is_refused(self, certificate, security):
        ours, _trusting = certificate
        with Submission(tls=ours, starttls=security == "starttls") as server:
            with pytest.raises(Transient) as caught, opened(server, security):
                pass
        assert caught.value.cause == "certificate_authority"
        assert not server.taken

    def test_a_server_without_starttls_gets_no_password(self, server):
        with pytest.raises(NotAllowed) as caught, opened(server, "starttls"):
            pass
        assert caught.value.cause == "no_starttls"

    def test_no_tls_on_that_port(self, server):
        with pytest.raises(ProviderBroken) as caught, opened(server, "ssl"):
            pass
        assert caught.value.cause == "tls"
