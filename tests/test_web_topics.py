from __future__ import annotations

from pathlib import Path

import pytest

from rag.reports import Facet, FacetValue
from rag.web.topics_html import FEW, NOTHING, topics_html
from tests.harmless import HOSTILE
from tests.serving import small_library
from tests.tab_reader import TabReader


def facet(kind: str, *values: str, distinct: int = 0) -> Facet:
    held = tuple(FacetValue(value, 9) for value in values)
    return Facet(kind, distinct or len(values), held)


def test_each_kind_is_a_row_of_chips_with_counts_and_years_are_none() -> None:
    page = TabReader(topics_html([facet("modality", "CT"), facet("organ"), facet("year", "2020")]))
    assert page.text == "ModalityCT 9"
    assert page.of("value") == ["modality:CT"]
    assert "checked" not in dict(page.attributes)
    assert topics_html([facet("organ")]) == NOTHING


def test_few_are_shown_at_first_and_all_where_one_of_the_others_is_ticked() -> None:
    names = [f"part {n}" for n in range(FEW + 2)]
    organs = facet("organ", *names, distinct=FEW + 12)
    page = TabReader(topics_html([organs]))
    assert ("hidden", "") in page.attributes
    assert ("aria-expanded", "false") in page.attributes
    assert "2 more" in page.text
    assert "and 10 rarer" in page.text
    page = TabReader(topics_html([organs], [f"organ:{names[-1]}"]))
    assert ("hidden", "") not in page.attributes
    assert ("aria-expanded", "true") in page.attributes
    assert "Fewer" in page.text
    assert page.of("checked") == [""]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_topics_stay_text(text: str) -> None:
    page = TabReader(topics_html([facet("dataset", *[text] * (FEW + 1))], [f"dataset:{text}"]))
    assert set(page.tags) <= set("div fieldset legend label input span small button".split())


def test_they_are_looked_up_when_asked_for_with_what_is_ticked(tmp_path: Path) -> None:
    gr = pytest.importorskip("gradio")
    from rag.assistant import Assistant
    from rag.library import Library
    from rag.web.limit_boxes import LimitBoxes
    from rag.web.site import Collection, Site

    records = [{"id": "a", "title": "CT of the liver", "abstract": "We scanned livers by CT."}]
    with small_library(tmp_path, records) as library:
        other = Library(
            library.settings.model_copy(update={"store": tmp_path / "no"}), library.embedder
        )
        site = Site((Collection("A", Assistant(library)), Collection("B", Assistant(other))))
        with gr.Blocks():
            box = LimitBoxes(site, "limits", "Limit to…")
        page = TabReader(box.fill("A", '["organ:liver"]'))
        assert page.of("value") == ["modality:CT", "organ:abdomen", "organ:liver"]
        assert page.of("checked") == [""]
        assert box.fill("B", None) == NOTHING
