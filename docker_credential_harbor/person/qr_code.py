"""An address as a QR code made of text, for a person whose browser is on another device (ISO/IEC 18004).

Two modules a character, by half blocks, so that they come out square. The light modules are the ones that are drawn,
the four of the quiet zone among them: on a dark terminal, which is what most people have, that is a code as it should
be. On a light one it is inverted, with its quiet zone, and phones read those too. Colours would settle it, but what is
written to standard error holds no control characters.
"""

from __future__ import annotations

QUIET_ZONE = 4
_BLOCKS = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}  # upper, lower is light


def lines(text: str, columns: int, encoding: str) -> list[str]:
    """The code's lines, all of one length; none where it is wider than ``columns`` or cannot be encoded."""
    import segno

    try:
        "".join(_BLOCKS.values()).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return []
    try:
        modules = segno.make_qr(text).matrix_iter(border=QUIET_ZONE)
    except segno.DataOverflowError:
        return []
    light = [[not module for module in row] for row in modules]
    width = len(light[0])
    light.append([True] * width)  # a half line is left over: one more of the quiet zone
    drawn = ["".join(_BLOCKS[pair] for pair in zip(*light[row : row + 2], strict=True)) for row in range(0, width, 2)]
    return drawn if width <= columns else []
