"""Text from outside, made fit to be shown: nothing in it is invisible, or turns what follows."""

from __future__ import annotations

import re

# Controls but tab and newline; marks that turn the direction of text; spaces without width and
# other characters nobody sees. What joins letters (U+200C, U+200D) stays: scripts and emoji use it.
HIDDEN = (
    "\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\xad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180e"
    "\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufeff\\uffa0\\ufff9-\\ufffb"
)
_HIDDEN = re.compile(f"[{HIDDEN}\\U000e0000-\\U000e0fff]")
PICTURES = 0x2400
LAST_C0 = 0x20
DELETE = 0x7F


def shown(text: str) -> str:
    """The text with a visible sign in the place of each character that would not be seen."""
    return _HIDDEN.sub(_sign, text)


def _sign(match: re.Match[str]) -> str:
    point = ord(match.group())
    if point < LAST_C0:
        return chr(PICTURES + point)
    return "\u2421" if point == DELETE else f"\u2039U+{point:04X}\u203a"
