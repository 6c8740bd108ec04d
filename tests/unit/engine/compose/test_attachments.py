"""How the names of attachments may end."""

import pytest

from gatepost.base.config import Settings
from gatepost.engine.compose import mail
from gatepost.engine.compose.mail import Attachment, Mail

PDF_ONLY = Settings(attachment_extensions=".PDF, tar")


def wrong(filename: str, settings: Settings) -> list[str]:
    one = Attachment(filename=filename, content=b"x")
    asked = Mail(to=("a@b.example",), subject="x", text="x", attachments=(one,))
    return [words for path, words in mail.check(asked, settings) if path[-1] == "filename"]


@pytest.mark.parametrize("name", ["x.pdf", "x", "exe", "x.exe.pdf", "x.", ".exe.txt", "ä.löwe"])
def test_what_is_taken(name: str) -> None:
    assert wrong(name, Settings()) == []


@pytest.mark.parametrize("name", ["x.exe", "x.EXE", "x.pdf.exe", "x.exe..", "x.exe ", ".bat"])
def test_what_is_refused(name: str) -> None:
    (words,) = wrong(name, Settings())
    assert words.startswith("Files that end in .")
    assert wrong(name, Settings(attachment_extensions_refused="")) == []


@pytest.mark.parametrize("name", ["x.txt", "x", "pdf", "x.pdf.zip"])
def test_what_is_not_on_the_list(name: str) -> None:
    assert wrong(name, PDF_ONLY) == ["Must end in one of: pdf, tar"]
    assert wrong("x.Pdf", PDF_ONLY) == []
