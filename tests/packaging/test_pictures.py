"""The pictures that the README shows."""

from pathlib import Path

from PIL import Image

PICTURE = Path(__file__).parents[2] / "docs" / "lesson-02.png"


def test_the_lesson_was_photographed():
    assert PICTURE.stat().st_size < 400_000
    with Image.open(PICTURE) as picture:
        width, height = picture.size
        colours = picture.convert("RGB").getcolors(width * height)
    assert 1300 <= width <= 1500
    assert 700 <= height <= 1200
    assert len(colours) > 50  # a page with a scene on it, not an empty one
