"""The order of the tiles of the gallery: that in which ``gallery.rst`` names the examples."""

from pathlib import Path

GALLERY = Path(__file__).with_name("gallery.rst")


def place(path: str) -> int:
    """Return the place of an example in ``gallery.rst``."""
    return GALLERY.read_text(encoding="utf-8").index(f"examples/{Path(path).stem}.py")
