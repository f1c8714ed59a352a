"""The built site in Chromium, opened from its files, with the network cut off."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from html import unescape
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Request, expect

ROOT = Path(__file__).parents[2]
LESSONS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
EXERCISES = sorted(path.stem for path in (ROOT / "exercises").glob("*.ipynb"))
LOST = "404.html"

pytestmark = [pytest.mark.slow, pytest.mark.browser]


# ---- the files -----------------------------------------------------------------------------------


class Links(HTMLParser):
    """Where a page leads and what it loads, and the anchors that it has."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.anchors: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name == "id":
                self.anchors.add(value)
            elif name in ("href", "src", "srcset", "action") and value:
                self.targets.append(value)


def pages(site: Path) -> list[Path]:
    found = sorted(path for path in site.rglob("*.html") if "_static" not in path.parts)
    assert len(found) > 50
    return found


def test_every_lesson_and_exercise_is_there(site: Path):
    for folder, names in [("notebooks", LESSONS), ("exercises", EXERCISES)]:
        for name in names:
            assert (site / folder / f"{name}.html").is_file()


def test_the_guides_are_those_of_the_repository(site: Path):
    for guide in (ROOT / "docs").glob("*.md"):
        html = (site / "docs" / f"{guide.stem}.html").read_text("utf-8")
        page = unescape(re.sub(r"<[^>]+>", "", html))
        text = guide.read_text("utf-8")
        for heading in re.findall(r"(?m)^#+ (.+)$", text):
            assert heading.replace("`", "") in page
    assert 'href="docs/grading.html"' in (site / "index.html").read_text("utf-8")


def test_every_link_leads_somewhere_and_none_leads_outside(site: Path):
    links = {page: Links(page) for page in pages(site)}
    for page, found in links.items():
        for target in found.targets:
            if target.startswith("data:"):
                continue
            address = urlsplit(target)
            assert not address.scheme, f"{page.name}: {target}"
            assert not address.netloc, f"{page.name}: {target}"
            # A server shows the page of lost ways at any address, so its own begin at the root.
            assert address.path.startswith("/") <= (page.name == LOST), f"{page.name}: {target}"
            folder = site if page.name == LOST else page.parent
            to = (folder / unquote(address.path).lstrip("/")).resolve() if address.path else page
            assert to.is_file(), f"{page.name}: {target}"
            if address.fragment and to in links:
                assert unquote(address.fragment) in links[to].anchors, f"{page.name}: {target}"


def test_what_can_be_taken_along_is_what_the_course_hands_out(site: Path):
    originals = {
        path.read_bytes(): path.name
        for folder in ("notebooks", "exercises")
        for path in (ROOT / folder).glob("*.ipynb")
    }
    taken = sorted((site / "_downloads").rglob("*.ipynb"))
    assert len(taken) == len(LESSONS) + len(EXERCISES)
    assert all(originals[path.read_bytes()] == path.name for path in taken)


def test_nothing_gives_a_solution_away(site: Path):
    """No page holds a line that only the solutions have."""
    text = {page: page.read_text(encoding="utf-8") for page in pages(site)}
    for name in EXERCISES:
        page = re.sub(r"<[^>]+>", "", text[site / "exercises" / f"{name}.html"])
        assert "NotImplementedError" in page
    assert not any("BEGIN SOLUTION" in page for page in text.values())


def test_the_lessons_were_executed(site: Path):
    for name in LESSONS:
        page = (site / "notebooks" / f"{name}.html").read_text(encoding="utf-8")
        cells = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells
        printing = sum(cell.cell_type == "code" and "print(" in cell.source for cell in cells)
        assert page.count('class="output stream') >= printing
        asked = sum(cell.source.count("predict(") for cell in cells if cell.cell_type == "code")
        assert page.count("lrlesson-form question") >= asked


# ---- the pages -----------------------------------------------------------------------------------


@dataclass
class Window:
    """A page without network, and everything that went wrong on it."""

    page: Page
    site: Path
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        file, _, query = path.partition("?")
        self.page.goto((self.site / file).as_uri() + ("?" + query if query else ""))
        return self.page


@pytest.fixture
def window(chromium: Browser, site: Path, request: pytest.FixtureRequest) -> Iterator[Window]:
    """A desktop window in the light theme, or what the test's parameter says."""
    context = chromium.new_context(
        **{"viewport": {"width": 1280, "height": 900}} | getattr(request, "param", {}), offline=True
    )
    window = Window(context.new_page(), site)

    def failed(asked: Request) -> None:
        if asked.failure != "net::ERR_ABORTED":  # the test went on to the next page
            window.complaints.append(f"not loaded: {asked.url}: {asked.failure}")

    def left(asked: Request) -> None:
        if not asked.url.startswith(("file:", "data:", "blob:")):
            window.complaints.append(f"asked the network for {asked.url}")

    window.page.on("requestfailed", failed)
    window.page.on("request", left)
    window.page.on("pageerror", lambda error: window.complaints.append(str(error)))
    window.page.on(
        "console",
        lambda said: said.type in ("error", "warning") and window.complaints.append(said.text),
    )
    yield window
    context.close()
    assert window.complaints == []


PHONE = {"viewport": {"width": 390, "height": 800}, "has_touch": True}
DARK = {"color_scheme": "dark"}


def test_every_page_opens_in_silence_and_says_what_it_is_about(window: Window):
    titles = set()
    opened = [path for path in pages(window.site) if path.name != LOST]
    for path in opened:
        page = window.open(str(path.relative_to(window.site)))
        expect(page.locator("h1").first).to_be_visible()
        titles.add(page.title())
        if path.name != "search.html":
            assert page.locator("meta[name=description]").get_attribute("content"), path
    assert len(titles) == len(opened)


@pytest.mark.parametrize("window", [PHONE], ids=["phone"], indirect=True)
def test_no_page_is_wider_than_a_phone(window: Window):
    for path in pages(window.site):
        if path.name == LOST:
            continue
        page = window.open(str(path.relative_to(window.site)))
        wide, right, width = page.evaluate("""[
            document.documentElement.scrollWidth,
            Math.max(0, ...[...document.querySelectorAll(".prev-next-area *")].map(
                part => part.getBoundingClientRect().right)),
            window.innerWidth,
        ]""")
        assert wide <= width, path.name
        assert right <= width, f"{path.name}: the way to the next page is cut off"


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_scenes_of_a_lesson_move(window: Window, lesson: str):
    page = window.open(f"notebooks/{lesson}.html")
    scenes = page.locator(".lrlesson-scene")
    expect(scenes).to_have_count(page.locator(".lrlesson-mount").count())
    for scene in scenes.all():
        drawing = scene.locator("svg[role=img]").first
        slider = scene.get_by_role("slider").first
        if not slider.count():
            continue
        before = drawing.inner_html()
        slider.focus()
        slider.press("Home")
        at_home = drawing.inner_html()
        slider.press("End")
        assert len({before, at_home, drawing.inner_html()}) > 1


def test_some_lessons_have_scenes(site: Path):
    with_scenes = [
        name
        for name in LESSONS
        if "lrlesson-mount" in (site / "notebooks" / f"{name}.html").read_text(encoding="utf-8")
    ]
    assert len(with_scenes) >= 6


def test_a_question_answers_the_option_that_was_chosen(window: Window):
    page = window.open("notebooks/02_too_low_too_high.html")
    question = page.locator(".question", has_text="02-q1").first
    replies = question.locator(".reply")
    expect(replies.first).not_to_be_visible()
    question.get_by_role("radio").nth(1).check()
    question.locator("summary").click()
    expect(replies.nth(1)).to_be_visible()
    expect(replies.nth(0)).not_to_be_visible()
    expect(replies.nth(1)).to_contain_text("The one at 5 %")


def test_formulas_are_drawn_in_their_own_typeface(window: Window):
    page = window.open("notebooks/04_decay.html")
    assert page.locator("math").count() > 20
    page.wait_for_function(
        "() => [...document.fonts].some(f => /STIX/.test(f.family) && f.status === 'loaded')"
    )
    index, letter = (page.locator(f"math {tag}").first.bounding_box() for tag in ("msub", "mi"))
    assert index["height"] > letter["height"] > 5


def test_the_search_finds_what_was_written(window: Window):
    page = window.open("index.html")
    page.keyboard.press("Control+k")
    page.locator("input[type=search]:focus").fill("Loshchilov")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=Loshchilov")
    results = page.locator("ul.search li a")
    expect(results.filter(has_text=re.compile("^AdamW$"))).to_have_count(1)
    results.filter(has_text=re.compile("^AdamW$")).click()
    expect(page.locator("h1")).to_contain_text("AdamW")


@pytest.mark.parametrize(
    ("words", "first"),
    [("too high", "Too low, too high"), ("cosnie", "Cosine"), ("warmpu", "Warm")],
)
def test_the_search_puts_the_title_first_and_forgives_a_letter(window: Window, words, first):
    page = window.open(f"search.html?q={words}")
    expect(page.locator("ul.search li a").first).to_contain_text(first)


def test_the_front_page_runs_the_race_and_leads_on(window: Window):
    page = window.open("index.html")
    expect(page.locator(".hero-scene .lrlesson-scene")).to_be_visible()
    begun = page.locator(".hero-scene [aria-label^='pause' i]")
    expect(begun).to_be_visible()
    expect(page.locator(".hero-go a")).to_have_count(2)
    expect(page.locator(".card:visible")).to_have_count(len(LESSONS))
    page.get_by_label("One sitting").check()
    assert page.locator(".card:visible").count() < len(LESSONS)


def test_pages_are_light(site: Path):
    """What a page weighs, without the style and script that all pages share."""
    for lesson in LESSONS:
        assert (site / "notebooks" / f"{lesson}.html").stat().st_size < 1_200_000, lesson
    assert (site / "index.html").stat().st_size < 500_000
    assert (site / "_static" / "math.woff2").stat().st_size < 100_000


def test_without_scripts_a_scene_is_a_picture(chromium: Browser, site: Path):
    with chromium.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto((site / "notebooks" / "02_too_low_too_high.html").as_uri())
        picture = page.locator(".lrlesson-mount img").first
        expect(picture).to_be_visible()
        assert picture.evaluate("one => one.naturalWidth") > 400


@pytest.fixture
def served(site: Path) -> Iterator[str]:
    """The address of a server that has the site's files."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_server_lets_the_search_show_where_it_found_something(chromium: Browser, served: str):
    page = chromium.new_page()
    page.goto(f"{served}/search.html?q=MultiStepLR")
    found = page.locator("ul.search li:has(a[href*='schedules/ScheduledDrop.html'])").first
    expect(found).to_contain_text("MultiStepLR (PyTorch)")
    page.close()


def test_a_lost_way_leads_back_into_the_course(chromium: Browser, served: str):
    page = chromium.new_page()
    failed: list[str] = []
    page.on("requestfailed", lambda asked: failed.append(asked.url))
    page.on("response", lambda answer: answer.ok or failed.append(answer.url))
    page.goto(f"{served}/{LOST}")
    expect(page.locator("h1").first).to_be_visible()
    assert failed == []
    page.locator("main a").first.click()
    expect(page.locator("h1").first).to_be_visible()
    page.close()


def test_next_leads_through_the_lessons_and_previous_back(window: Window):
    page = window.open(f"notebooks/{LESSONS[0]}.html")
    for name in LESSONS[1:]:
        page.get_by_role("link", name="Next").click()
        page.wait_for_url(f"**/notebooks/{name}.html")
    page.get_by_role("link", name="Previous").click()
    page.wait_for_url(f"**/notebooks/{LESSONS[-2]}.html")


def test_the_theme_can_be_switched_and_is_kept(window: Window):
    page = window.open("index.html")
    shade = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(shade)
    page.get_by_role("button", name="Color mode").click()
    page.locator(".dropdown-menu.show").get_by_text("Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate(shade) != light
    page = window.open("notebooks/02_too_low_too_high.html")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator(".lrlesson-scene").first).to_be_visible()


@pytest.mark.parametrize("window", [DARK], ids=["dark"], indirect=True)
def test_a_page_is_printed_dark_on_white(window: Window):
    page = window.open("notebooks/02_too_low_too_high.html")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.evaluate("""addEventListener("beforeprint", () => {
        window.printed = getComputedStyle(document.querySelector("h1")).color;
    })""")
    page.pdf()
    dark, light = page.evaluate(
        "[window.printed, getComputedStyle(document.querySelector('h1')).color]"
    )
    assert sum(map(int, re.findall(r"\d+", dark))) < sum(map(int, re.findall(r"\d+", light)))
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


@pytest.mark.parametrize(
    ("window", "first"),
    [({}, 0), (PHONE | DARK, 1)],
    ids=["light", "dark phone"],
    indirect=["window"],
)
def test_axe_finds_nothing(window: Window, first: int):
    """Of guides and lessons every second one in each window."""
    kinds = ["index.html", "search.html", "schedules/index.html", "schedules/Cosine.html"]
    kinds += ["optimizers/Adam.html", "controllers/Armijo.html", "docs/index.html"]
    kinds += ["search.html?q=cosine"]
    docs = sorted(path.stem for path in (ROOT / "docs").glob("*.md"))
    kinds += [f"docs/{name}.html" for name in docs[first::2]]
    kinds += [f"exercises/{EXERCISES[3]}.html"]
    kinds += [f"notebooks/{name}.html" for name in LESSONS[first::2]]
    found = []
    for path in kinds:
        page = window.open(path)
        page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
        # Without preload: it would ask for the style sheets, which a page from a file must not.
        results = Axe().run(page, options={"preload": False}).response
        assert len(results["passes"]) > 10
        found += [
            f"{path}: {broken['id']}: {node['html'][:160]}: {node['failureSummary']}"
            for broken in results["violations"]
            for node in broken["nodes"]
        ]
    assert found == []
