from __future__ import annotations

import pytest

from rag.errors import InputError
from rag.loaders.medline import FORMAT
from rag.loaders.textfile import TextFile
from rag.types import Failure, Paper

KELP = """PMID- 31452104
OWN - NLM
STAT- MEDLINE
IS  - 1234-5678 (Electronic)
LID - 10.1234/Kelp.2021 [doi]
LID - e77 [pii]
TI  - Kelp forests recover after sea urchin removal: a three-year study of
      fourteen reefs.
PG  - 1-9
AB  - BACKGROUND: Urchins graze kelp. METHODS: Divers removed urchins from 14
      reefs. RESULTS: Cover rose from 8% to 61%.
CI  - (c) 2021 The Authors.
FAU - Brine, Ann B
AU  - Brine AB
AD  - DNA - based Institute, Reef Town.
FAU - Holdfast, Carl
AU  - Holdfast C
CN  - Kelp Watch
DP  - 2021 Mar 14
TA  - J Reef Stud
JT  - Journal of reef studies
MH  - *Kelp
MH  - Sea Urchins/physiology
OT  - restoration
AID - 10.1234/Kelp.2021 [doi]
SO  - J Reef Stud. 2021 Mar 14;12:1-9. doi: 10.1234/Kelp.2021.
"""


def load(text: str) -> tuple[list[tuple[str, Paper]], list[Failure]]:
    failures: list[Failure] = []
    return list(FORMAT.load(TextFile.of("a.nbib", text), failures.append)), failures


def test_a_record_comes_whole():
    [(where, paper)], failures = load(f"\n{KELP}")
    assert failures == []
    assert where == "a.nbib:2 (PMID 31452104)"
    assert paper == Paper(
        id="31452104",
        title="Kelp forests recover after sea urchin removal: a three-year study of fourteen "
        "reefs.",
        abstract="BACKGROUND: Urchins graze kelp. METHODS: Divers removed urchins from 14 reefs. "
        "RESULTS: Cover rose from 8% to 61%.",
        authors=("Ann B Brine", "Carl Holdfast", "Kelp Watch"),
        year=2021,
        venue="Journal of reef studies",
        url="https://pubmed.ncbi.nlm.nih.gov/31452104/",
        doi="10.1234/Kelp.2021",
        pmid="31452104",
        keywords=("restoration", "Kelp", "Sea Urchins/physiology"),
    )


def test_records_without_an_abstract_are_told_and_the_rest_is_read():
    bare = "PMID- 7\nTI  - A letter.\nDP  - 1998 Dec-1999 Jan\n"
    book = "PMID- 8\nBTI - A book of reefs.\nOAB - Foreign words.\nDP  - 2001\nAU  - Brine AB\n"
    papers, [failure] = load(f"{KELP}\n{bare}\r\n{book}")
    assert [paper.id for _, paper in papers] == ["31452104", "8"]
    assert papers[1][1].abstract == "Foreign words."
    assert papers[1][1].title == "A book of reefs."
    assert papers[1][1].authors == ("Brine AB",)
    assert failure.where == f"a.nbib:{KELP.count(chr(10)) + 2} (PMID 7)"
    assert failure.reason == "abstract: expected text, found nothing"


def test_records_that_no_blank_line_parts_are_two():
    papers, _ = load(KELP + KELP.replace("31452104", "9"))
    assert [paper.id for _, paper in papers] == ["31452104", "9"]


def test_a_file_without_records_is_refused():
    with pytest.raises(InputError, match="holds no MEDLINE records"):
        load("nothing\n")


def test_it_is_told_by_its_content():
    assert FORMAT.matches(f"\n{KELP}")
    assert not FORMAT.matches("TY  - JOUR\nN1  - PMID- 7\n")
