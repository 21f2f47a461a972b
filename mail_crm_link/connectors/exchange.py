"""What Exchange means when it refuses, by response code, whether it is asked through its web services or through Graph.

https://learn.microsoft.com/exchange/client-developer/web-service-reference/responsecode
"""

from __future__ import annotations

from .errors import CursorExpired, FolderGone, MailGone, NotAllowed, SignInNeeded, Transient, Undeliverable
from .refusals import Verdict

GONE = Verdict(MailGone, "mail_missing")
EXPIRED = Verdict(CursorExpired, "cursor_expired")
NO_MAILBOX = Verdict(NotAllowed, "mailbox_missing")
DENIED = Verdict(NotAllowed, "access_denied")
THROTTLED = Verdict(Transient, "throttled")
AWAY = Verdict(Transient, "unavailable")
TOO_LARGE = Verdict(Undeliverable, "mail_too_large")
_LOCKED = Verdict(NotAllowed, "account_locked")
_PASSWORD = Verdict(SignInNeeded, "wrong_password")
_FOLDER_GONE = Verdict(FolderGone, "folder_missing")

CODES: dict[str, Verdict] = {
    "errorinvalidsyncstatedata": EXPIRED,
    "erroritemnotfound": GONE,
    "errorinvalididmalformed": GONE,
    "errorinvalididempty": GONE,
    "errorinvalidid": GONE,
    "errorfoldernotfound": _FOLDER_GONE,
    "errorsyncfoldernotfound": _FOLDER_GONE,
    "erroraccessdenied": DENIED,
    "errorimpersonateuserdenied": DENIED,
    "errornonexistentmailbox": NO_MAILBOX,
    "errormailboxconfiguration": NO_MAILBOX,
    "errornorespondingcasindestinationsite": AWAY,
    "erroraccountdisabled": _LOCKED,
    "errorpasswordexpired": _PASSWORD,
    "errorpasswordchangerequired": _PASSWORD,
    "errorsendasdenied": Verdict(NotAllowed, "send_denied"),
    "errormessagesizeexceeded": TOO_LARGE,
    "errorquotaexceeded": Verdict(Transient, "over_quota"),
    "errorserverbusy": THROTTLED,
    "errorsubmissionquotaexceeded": THROTTLED,
    "errorexceededconnectioncount": Verdict(Transient, "too_many_connections"),
    "errorexceededsubscriptioncount": THROTTLED,
    "errortoomanyobjectsopened": THROTTLED,
    "errorinternalservertransienterror": AWAY,
    "errormailboxmoveinprogress": AWAY,
    "errormailboxstoreunavailable": AWAY,
    "errormailboxfailover": AWAY,
    "errorconnectionfailed": AWAY,
    "errortimeoutexpired": Verdict(Transient, "timeout"),
    # Also what it answers when it cannot give one mail.
    "errorinternalservererror": Verdict(Transient, "protocol"),
}
"""By code in lower case; Graph spells some with other capitals."""
