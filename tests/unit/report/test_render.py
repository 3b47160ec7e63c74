from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from klimatpuls.errors import MailError
from klimatpuls.report.render import CHART_FILE, TEXT_FILE, read_files, render, write_files
from klimatpuls.report.view import build_digest

GMAIL_CUTS_AT = 102_000
NUMBER = re.compile(r"\d(?:[\d.,:\u00a0]*\d)?")


class Seen(HTMLParser):
    """What a reader of the HTML sees, and how it is built."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._hidden = False

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._hidden = tag in {"style", "title"}
        if tag == "img":
            self.words.append(dict(attrs)["alt"])

    def handle_endtag(self, tag):
        self._hidden = False

    def handle_data(self, data):
        if not self._hidden and data.strip():
            self.words.append(data.strip())


def seen(html: str) -> Seen:
    parser = Seen()
    parser.feed(html)
    return parser


@pytest.fixture
def rendering(digest):
    return render(digest)


def test_every_number_and_word_of_the_html_is_in_the_text(rendering):
    shown = [words.removesuffix(" ·") for words in seen(rendering.mail_html).words]
    folded = re.sub(r"[ \n]+", " ", rendering.text)
    assert len(shown) > 300
    for words in shown:
        for number in NUMBER.findall(words):
            assert number in folded
        for word in words.split(" "):
            assert word in folded or word.upper() in folded, words


def test_the_text_has_at_most_78_columns_and_aligned_tables(rendering):
    assert max(len(line) for line in rendering.text.splitlines()) <= 72
    rows = [line for line in rendering.text.splitlines() if line.startswith(("Borlänge ", "Stockholm "))]
    assert len({len(line) for line in rows[:2]}) == 1
    assert "Stockholm    1\u00a0422\u00a0031" in rendering.text


def test_swedish_comes_first_and_each_part_says_its_language(rendering):
    languages = [attrs["lang"] for tag, attrs in seen(rendering.mail_html).tags if attrs.get("id")]
    assert languages == ["sv", "en"]
    assert rendering.text.index("Kort sagt") < rendering.text.index("In short")


def test_tables_have_headings_with_scope_and_pictures_an_alt_text(rendering):
    tags = seen(rendering.mail_html).tags
    assert {attrs.get("scope") for tag, attrs in tags if tag == "th"} == {"col", "row"}
    pictures = [attrs for tag, attrs in tags if tag == "img"]
    assert [picture["src"] for picture in pictures] == ["cid:chart@klimatpuls"] * 2
    assert all("1990" in (picture["alt"] or "") for picture in pictures)


def test_the_html_needs_nothing_from_the_web_and_no_style_sheet(rendering):
    tags = seen(rendering.standalone_html).tags
    assert not {tag for tag, _ in tags} & {"script", "link", "iframe", "style"}
    assert not re.search(r"https?://", rendering.mail_html)
    assert "style=" in rendering.mail_html
    assert "class=" not in rendering.mail_html


def test_a_hostile_name_stays_text(rows):
    name = '<script>alert("x")</script>&'
    rows["members"][0]["region_name"] = name
    rows["findings"][0]["message_sv"] = "<img src=x onerror=alert(1)>"
    html = render(build_digest(rows)).mail_html
    assert "<script" not in html
    assert "onerror=alert(1)>" not in html.replace("&gt;", "")
    assert name in seen(html).words


def test_fifty_two_members_stay_below_what_gmail_cuts(rows):
    members = [row for row in rows["members"] if row["level"] == "municipality"]
    rows["members"] = [
        {**row, "region_code": f"{number:04}", "region_name": f"{row['region_name']} {number}"}
        for number, row in enumerate((members * 3)[:52])
    ]
    assert len(render(build_digest(rows)).mail_html.encode()) < GMAIL_CUTS_AT


def test_equal_figures_give_equal_bytes(digest, rendering):
    assert render(digest) == rendering


def test_files_are_written_and_read_back_unchanged(rendering, tmp_path):
    files = write_files(rendering, tmp_path / "7")
    assert read_files(tmp_path / "7") == rendering
    assert "data:image/png;base64," in files.html.read_text(encoding="utf-8")
    assert "cid:" not in files.html.read_text(encoding="utf-8")
    assert files.text.read_text(encoding="utf-8") == rendering.text


def test_a_changed_file_is_not_mailed(rendering, tmp_path):
    write_files(rendering, tmp_path)
    (tmp_path / TEXT_FILE).write_text("something else", encoding="utf-8")
    with pytest.raises(MailError, match=r"text_sha256 is .* a file was changed since"):
        read_files(tmp_path)


def test_a_missing_rendering_says_why_it_cannot_be_made(rendering, tmp_path):
    write_files(rendering, tmp_path)
    (tmp_path / CHART_FILE).unlink()
    with pytest.raises(MailError, match="only be rendered while its publication is current"):
        read_files(tmp_path)
