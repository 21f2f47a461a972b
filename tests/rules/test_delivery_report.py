from mail_crm_link.rules.delivery_report import Failure, Report, parse_report

REPORT = b"""From: MAILER-DAEMON@x.example\r
Content-Type: multipart/report; report-type=delivery-status; boundary=b\r
\r
--b\r
Content-Type: text/plain\r
\r
Sorry.\r
--b\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mail.x.example\r
\r
Original-Recipient: rfc822;Anna@Mill.example\r
Final-Recipient: rfc822; anna2@mill.example\r
Action: failed\r
Status: 5.1.1\r
Diagnostic-Code: smtp; 550 5.1.1 Nobody\r
 of that name\r
\r
Final-Recipient: rfc822; bob@mill.example\r
Action: delayed\r
Status: 4.4.1\r
\r
Final-Recipient: rfc822; carl@mill.example\r
Action: Failed\r
Status: 5.2.2\r
--b\r
Content-Type: message/rfc822\r
\r
Message-ID: <sent@our.example>\r
Subject: Offer\r
\r
Hello\r
--b--\r
"""


def test_who_did_not_get_which_mail_and_why():
    report = parse_report(REPORT)
    assert report.message_ids == ("<sent@our.example>",)
    assert report.failures == (
        Failure("anna@mill.example", "550 5.1.1 Nobody of that name"),
        Failure("carl@mill.example", "5.2.2"),
    )


def test_a_mail_system_that_knows_no_rfc():
    raw = b"X-Failed-Recipients: anna@mill.example, bob@x.example\r\nIn-Reply-To: <sent@our.example>\r\n\r\nSorry\r\n"
    assert parse_report(raw) == Report(
        ("<sent@our.example>",), (Failure("anna@mill.example", ""), Failure("bob@x.example", ""))
    )


def test_an_ordinary_mail_reports_nothing():
    assert parse_report(b"From: anna@mill.example\r\n\r\nHello\r\n") == Report((), ())
    assert parse_report(b"") == Report((), ())
