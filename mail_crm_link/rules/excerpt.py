"""The beginning of a text that is too long to be shown at once."""


def beginning(html: str, length: int) -> str:
    """``html`` up to the last tag that begins within ``length`` characters; elements are left open.

    For a document of its own only, which ends where the text ends.
    """
    if len(html) <= length:
        return html
    start_of_tag = html.rfind("<", 0, length)
    return html[: start_of_tag if start_of_tag > 0 else length]
