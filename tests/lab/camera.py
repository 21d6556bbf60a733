"""A phone's camera before a terminal: what a real decoder reads from the characters there (zxing-cpp)."""

from collections.abc import Sequence

# Half blocks: which half of the cell is drawn in the text's colour.
UPPER, LOWER = 1, 2
HALVES = {"▀": UPPER, "▄": LOWER, "█": UPPER | LOWER}
PIXELS = 4  # a half cell is a square of so many


def read(lines: Sequence[str], *, light_terminal: bool = False, try_invert: bool = True) -> str:
    """The text of the one code on the screen. Letters are drawn as nothing: they stand beside it."""
    import zxingcpp

    ink, paper = (0, 255) if light_terminal else (255, 0)
    width = max(len(line) for line in lines) + 2
    picture = bytearray()
    for line in ["", *lines, ""]:
        for half in (UPPER, LOWER):
            cells = [HALVES.get(character, 0) & half for character in f" {line}".ljust(width)]
            picture += b"".join(bytes([ink if drawn else paper]) * PIXELS for drawn in cells) * PIXELS
    image = memoryview(picture).cast("B", shape=[(len(lines) + 2) * 2 * PIXELS, width * PIXELS])
    found = zxingcpp.read_barcodes(image, try_invert=try_invert)
    assert len(found) == 1, "no code was found"
    return str(found[0].text)
