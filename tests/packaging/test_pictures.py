"""The pictures that the README shows."""

from pathlib import Path

from PIL import Image

DOCS = Path(__file__).parents[2] / "docs"
PICTURE, FILM = DOCS / "lesson-02.png", DOCS / "rate-dial.gif"


def test_the_lesson_was_photographed():
    assert PICTURE.stat().st_size < 400_000
    with Image.open(PICTURE) as picture:
        width, height = picture.size
        colours = picture.convert("RGB").getcolors(width * height)
    assert 1300 <= width <= 1500
    assert 700 <= height <= 1200
    assert len(colours) > 50  # a page with a scene on it, not an empty one


def test_the_dial_was_filmed():
    assert FILM.stat().st_size < 1_500_000
    with Image.open(FILM) as film:
        assert film.n_frames > 25
        pictures = set()
        for number in range(film.n_frames):
            film.seek(number)
            pictures.add(film.convert("RGB").tobytes())
    assert len(pictures) > 25  # it moves
