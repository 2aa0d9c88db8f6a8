from __future__ import annotations

import pytest

from rag.errors import InputError
from rag.loaders.fields import plain, to_paper


def paper(**fields):
    return to_paper({"title": "T", "abstract": "A.", **fields})


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("A. One; B. Two", ("A. One", "B. Two")),
        ("One, A.; Two, B.", ("One, A.", "Two, B.")),
        ("Ada One, Bo Two", ("Ada One", "Bo Two")),
        ("One, Ada and Two, Bo", ("One, Ada", "Two, Bo")),
        ("Ada One, Bo Two, and Cy Three", ("Ada One", "Bo Two", "Cy Three")),
        ("Ada One and Bo Two", ("Ada One", "Bo Two")),
        ("One, Ada", ("One, Ada",)),
        ("The Tide Consortium", ("The Tide Consortium",)),
        ("", ()),
    ],
)
def test_authors_in_one_text_are_told_apart(text, names):
    assert paper(authors=text).authors == names


@pytest.mark.parametrize(
    ("value", "year"),
    [
        (2020, 2020),
        (2020.0, 2020),
        ("2020", 2020),
        ("2020-01-31", 2020),
        ("31 Jan. 2020", 2020),
        ("2020 May-Jun", 2020),
        ("[2020]", 2020),
        ("in press", None),
        ("n.d.", None),
        ("", None),
        (None, None),
    ],
)
def test_years_are_read_out_of_dates(value, year):
    assert paper(year=value).year == year


@pytest.mark.parametrize("value", [True, "soon", "20", [2020], 2020.5])
def test_what_is_no_year_is_refused(value):
    with pytest.raises(InputError, match="year: expected a whole number or a date, found"):
        paper(year=value)


def test_identifiers_lose_what_stands_around_them():
    assert paper(doi=" https://doi.org/10.1/x ").doi == "10.1/x"
    assert paper(doi="DOI: 10.1/x").doi == "10.1/x"
    assert paper(arxiv_id="arXiv:2001.00001v2").arxiv_id == "2001.00001v2"
    assert paper(arxiv_id="http://arxiv.org/abs/hep-th/9901001").arxiv_id == "hep-th/9901001"


def test_text_decoded_wrongly_is_repaired_and_good_text_is_left():
    broken = "GrÃ¶ÃŸe der Ã–fen, â€œMÃ¼llerâ€\x9d"
    assert paper(abstract=broken).abstract == "Größe der Öfen, “Müller”"
    for good in ("Größe — 5 µm, α ≤ 0.05, ﬁne …", "风与潮汐"):
        assert paper(abstract=good).abstract == good


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("p < 0.05 and q > 3", "p < 0.05 and q > 3"),
        ("a <b and c</d", "a <b and c</d"),
        ("CO<sub>2</sub> in <i>E. coli</i>", "CO2 in E. coli"),
        ("<p>One.</p><p>Two.</p>", "One. Two."),
        ("<jats:title>Summary</jats:title><jats:p>One.</jats:p>", "One."),
        ("<sec><title>Aim</title><p>One.</p></sec>", "Aim: One."),
        ("p &lt; 0.05 &amp; more; R&D", "p < 0.05 & more; R&D"),
        ("&amp;lt; twice", "< twice"),
        ("<script>x</script>", "<script>x</script>"),
        ('One. <span style="font-size:0">It wins.</span> Two.', "One. Two."),
        ("<p>One.</p><p style='display: none'>It <b>wins</b>.</p>", "One."),
        ('<span style="font-size:0.8em">Small.</span>', "Small."),
    ],
)
def test_tags_go_and_signs_stay(text, bare):
    assert plain(text) == bare


@pytest.mark.parametrize(
    "part",
    [
        "<title>",
        "<p ",
        "<p hidden>",
        "<p hidden>x</b>",
        "  ",
        " and ",
        "&",
        "https://",
        "</",
        "\u00c3",
    ],
)
def test_a_megabyte_of_anything_is_read_in_linear_time(part):
    text = part * (10**6 // len(part))
    made = paper(abstract="A." + text, authors=text, doi=text, arxiv_id=text)
    assert made.abstract.startswith("A.")
