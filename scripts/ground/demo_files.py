"""The attachments of the demo's mails, drawn so that no binary files lie in the tree."""

import struct
import zlib

PAGE = (595, 842)
"""A4 in points."""
PICTURE = (320, 200)
"""Pixels."""
FLOOR, WALL, MACHINE, WATER = (238, 234, 226), (90, 84, 78), (200, 30, 40), (70, 130, 180)


def draw(name: str, lines: list[str]) -> tuple[bytes, str, str]:
    """The content of a file and its type, by the ending of its name."""
    return (plan(), "image", "png") if name.endswith(".png") else (page(lines), "application", "pdf")


def page(lines: list[str]) -> bytes:
    """A PDF of one page; the first line is its title."""
    title, *others = [line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)") for line in lines]
    text = [f"BT /F1 22 Tf 60 760 Td ({title}) Tj /F1 12 Tf 0 -20 Td"]
    text += [f"0 -24 Td ({line}) Tj" for line in others]
    stream = "\n".join([*text, "ET"]).encode("cp1252", "replace")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 4 0 R" % PAGE
        + b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    return assembled(objects)


def assembled(objects: list[bytes]) -> bytes:
    """A PDF file: the objects, and the table of where each begins."""
    content = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(content))
    return content + b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table) + trailer


def plan() -> bytes:
    """A PNG: a kitchen from above, with a red square where the machine stands."""
    width, height = PICTURE
    rows = b"".join(b"\0" + bytes(value for x in range(width) for value in colour(x, y)) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows, 9)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def colour(x: int, y: int) -> tuple[int, int, int]:
    width, height = PICTURE
    if x < 6 or y < 6 or x >= width - 6 or y >= height - 6 or (x in range(200, 206) and y < 120):
        return WALL
    if 30 <= x < 70 and 24 <= y < 64:
        return MACHINE
    return WATER if 12 <= x < 18 and 12 <= y < 180 else FLOOR


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
