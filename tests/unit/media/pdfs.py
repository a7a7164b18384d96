"""PDFs made by hand: small honest ones, and bombs."""

from __future__ import annotations

import io
import zlib

from pypdf import PdfReader, PdfWriter


def pdf(*pages: str, stream: bytes | None = None, most: int = 0) -> bytes:
    """A PDF with a page for each text; ``stream``: the content of every page instead; ``most``: say so many pages."""
    objects: list[bytes] = [b"<</Type/Catalog/Pages 2 0 R>>", b""]
    kids = []
    objects.append(b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
    for text in pages:
        body = stream
        if body is None:
            lines = b" ".join(b"(%s) Tj 0 -14 Td" % line.encode("latin-1", "replace") for line in text.split("\n"))
            body = b"BT /F1 12 Tf 72 720 Td " + lines + b" ET"
        packed = zlib.compress(body, 9)
        objects.append(b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(packed), packed))
        content = len(objects)
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents %d 0 R/Resources<</Font<</F1 3 0 R>>>>>>"
            % content
        )
        kids.append(b"%d 0 R" % len(objects))
    kids = kids * most if most else kids
    objects[1] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(kids), b" ".join(kids))
    out, places = io.BytesIO(), []
    out.write(b"%PDF-1.5\n")
    for number, body in enumerate(objects, 1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.write(b"".join(b"%010d 00000 n \n" % place for place in places))
    out.write(b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start))
    return out.getvalue()


def locked(text: str, password: str) -> bytes:
    """A PDF that only opens with a password."""
    writer = PdfWriter(PdfReader(io.BytesIO(pdf(text))))
    writer.encrypt(password, algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
