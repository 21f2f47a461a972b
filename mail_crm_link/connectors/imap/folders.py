"""What the folders of an account are for: by SPECIAL-USE attributes (RFC 6154), else by the names people know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..base import Folder, Role
from .cursor import Status
from .session import Listed

_ATTRIBUTES: dict[str, Role] = {
    "\\sent": "sent",
    "\\archive": "archive",
    "\\all": "archive",
    "\\drafts": "drafts",
    "\\junk": "junk",
    "\\trash": "trash",
}

# https://developers.google.com/workspace/gmail/imap/imap-extensions
_GMAIL = ("[Gmail]", "[Google Mail]")
_VIRTUAL = frozenset({"\\all", "\\flagged", "\\important"})
_NOT_IN_ALL_MAIL = frozenset({"\\sent", "\\drafts", "\\junk", "\\trash"})

# What mail programs and providers call these folders, in the languages their users speak.
_NAMES: dict[Role, str] = {
    "sent": """
        sent|sent items|sent messages|sent mail|sent-mail|outbox sent|gesendet|gesendete|gesendete elemente
        gesendete objekte|gesendete nachrichten|enviados|elementos enviados|mensajes enviados|correo enviado
        envoyés|éléments envoyés|messages envoyés|courrier envoyé|objets envoyés|posta inviata|inviati|inviata
        messaggi inviati|itens enviados|mensagens enviadas|enviadas|e-mails enviados|verzonden|verzonden items
        verzonden berichten|skickat|skickade|skickade objekt|sendt|sendte|sendte elementer|sendt post|sendte objekter
        lähetetyt|wysłane|elementy wysłane|odeslané|odeslaná pošta|odoslané|odoslaná pošta|elküldött
        elküldött elemek|elküldött üzenetek|trimise|elemente trimise|mesaje trimise|poslano|poslane stavke|poslato
        išsiųsta|išsiųsti laiškai|nosūtītie|saadetud|απεσταλμένα|εξερχόμενα|отправленные|отправлено|исходящие
        надіслані|відправлені|изпратени|gönderilmiş|gönderilmiş öğeler|gönderilenler|gönderilmiş postalar
        送信済み|送信済みアイテム|送信済みメール|已发送|已发送邮件|已發送|寄件備份|寄件匣|보낸편지함|보낸 편지함
        보낸 메일함|נשלח|פריטים שנשלחו|דואר שנשלח|المرسل|العناصر المرسلة|البريد المرسل|ส่งแล้ว|รายการที่ถูกส่ง
        thư đã gửi|đã gửi|terkirim|dihantar|भेजे गए
    """,
    "drafts": """
        drafts|draft|entwürfe|borradores|brouillons|bozze|rascunhos|concepten|utkast|kladder|luonnokset
        kopie robocze|wersje robocze|szkice|koncepty|rozepsané|piszkozatok|ciorne|nacrti|osnutki|πρόχειρα
        черновики|чернетки|чернови|taslaklar|下書き|草稿|草稿箱|임시보관함|임시 보관함|טיוטות|المسودات|مسودات
        ร่าง|thư nháp|draf|konsep|ड्राफ़्ट
    """,
    "junk": """
        junk|junk e-mail|junk email|junk mail|spam|bulk mail|unerwünscht|junk-e-mail|spamverdacht|spamordner
        correo no deseado|no deseado|correo basura|indésirables|courrier indésirable|pourriel|posta indesiderata
        indesiderata|lixo eletrônico|lixo electrónico|ongewenste e-mail|ongewenst|skräppost|søppelpost|uønsket e-post
        uønsket mail|roskaposti|wiadomości-śmieci|nevyžádaná pošta|nevyžiadaná pošta|levélszemét|нежелательная почта
        спам|небажана пошта|önemsiz|gereksiz e-posta|迷惑メール|垃圾邮件|垃圾郵件|스팸|스팸메일함|정크 메일
        דואר זבל|ספאם|البريد غير الهام|سبام|สแปม|thư rác
    """,
    "trash": """
        trash|deleted items|deleted messages|deleted|bin|papierkorb|gelöschte elemente|gelöschte objekte|gelöscht
        papelera|elementos eliminados|eliminados|corbeille|éléments supprimés|messages supprimés|cestino
        posta eliminata|lixeira|lixo|itens excluídos|itens eliminados|prullenbak|verwijderde items|papperskorg
        papperskorgen|borttagna objekt|papirkurv|papirkurven|slettede elementer|slettet post|roskakori|poistetut
        kosz|elementy usunięte|koš|odstraněná pošta|kôš|odstránené položky|kuka|törölt elemek|coș de gunoi|koš za smeće
        κάδος απορριμμάτων|απορρίμματα|корзина|удаленные|удалённые|кошик|видалені|çöp kutusu|çöp|silinmiş öğeler
        ゴミ箱|ごみ箱|削除済みアイテム|已删除|已删除邮件|垃圾桶|刪除的郵件|휴지통|지운 편지함|אשפה|פריטים שנמחקו
        سلة المهملات|العناصر المحذوفة|المحذوفات|ถังขยะ|thùng rác
    """,
    "archive": """
        archive|archives|archived|all mail|archiv|alle nachrichten|archivo|archivados|todos|archivio|tutti i messaggi
        tous les messages|arquivo|arquivo morto|todos os e-mails|archief|alle e-mail|arkiv|arkisto|archiwum
        wszystkie|archív|archívum|arhiva|arhivă|αρχείο|архив|вся почта|архів|вся пошта|arşiv|tüm postalar
        アーカイブ|すべてのメール|存档|归档|所有邮件|封存|보관함|보관|전체보관함|ארכיון|כל הדואר|الأرشيف|أرشيف
        كل البريد|ที่เก็บถาวร|lưu trữ
    """,
}
_ROLE_OF_NAME = {
    name.strip().casefold(): role
    for role, names in _NAMES.items()
    for line in names.splitlines()
    for name in line.split("|")
    if name.strip()
}


def folders(listed: Sequence[Listed], statuses: dict[str, Status]) -> list[Folder]:
    """Folders with their roles, without those that LIST mentions though they do not exist."""
    existing = [entry for entry in listed if "\\nonexistent" not in entry.attributes]
    prefix = _personal_prefix(existing)
    by_attribute = {entry.name: _attribute_role(entry) for entry in existing}
    taken = set(by_attribute.values())
    views = _views(existing)
    return [
        Folder(
            remote_id=entry.name,
            name=_path(entry, prefix),
            role=by_attribute[entry.name] or _name_role(entry, prefix, taken),
            selectable="\\noselect" not in entry.attributes,
            uidvalidity=_uidvalidity(statuses.get(entry.name)),
            is_view=entry.name in views,
        )
        for entry in existing
    ]


def _views(listed: Sequence[Listed]) -> set[str]:
    """The folders whose mail lies in others, too.

    Elsewhere that are the virtual ones. At Gmail all folders are labels of what lies in All Mail, but for junk and
    trash; only Sent tells besides what the account has sent, from whatever address.
    """
    virtual = {entry.name for entry in listed if entry.attributes & _VIRTUAL}
    all_mail = {entry.name for entry in listed if "\\all" in entry.attributes}
    if not any(name.startswith(_GMAIL) for name in all_mail):
        return virtual
    elsewhere = {entry.name for entry in listed if entry.attributes & _NOT_IN_ALL_MAIL}
    return {entry.name for entry in listed} - all_mail - elsewhere


def _uidvalidity(status: Status | None) -> str:
    return str(status.uidvalidity) if status and status.uidvalidity else ""


def _attribute_role(entry: Listed) -> Role | None:
    if entry.name.upper() == "INBOX":
        return "inbox"
    return next((role for attribute, role in _ATTRIBUTES.items() if attribute in entry.attributes), None)


def _name_role(entry: Listed, prefix: str, taken: set[Role | None]) -> Role:
    """The role by name; one that an attribute gave away already is not given twice."""
    role = _ROLE_OF_NAME.get(_below(entry.name, prefix).casefold(), "other")
    return "other" if role in taken else role


def _personal_prefix(listed: Sequence[Listed]) -> str:
    """``INBOX.`` where all folders live below INBOX (Courier, Cyrus), ``[Gmail]/`` where the special ones do."""
    separator = next((entry.separator for entry in listed if entry.separator), "/")
    names = [entry.name for entry in listed]
    below_inbox = "INBOX" + separator
    if any(name.startswith(below_inbox) for name in names) and all(
        _is_inbox_or_below(name, separator) for name in names
    ):
        return below_inbox
    return next((name + separator for name in names if name in _GMAIL), "")


def _is_inbox_or_below(name: str, separator: str) -> bool:
    return name.split(separator)[0].upper() == "INBOX"


def _below(name: str, prefix: str) -> str:
    return name[len(prefix) :] if prefix and name.startswith(prefix) else name


def _path(entry: Listed, prefix: str) -> str:
    name = _below(entry.name, prefix) if prefix.startswith("INBOX") else entry.name
    return "/".join(_levels(name, entry.separator))


def _levels(name: str, separator: str) -> Iterator[str]:
    # A slash within a level would look like a level of its own.
    return (level.replace("/", "∕") if separator != "/" else level for level in _split(name, separator))


def _split(name: str, separator: str) -> list[str]:
    return name.split(separator) if separator else [name]
