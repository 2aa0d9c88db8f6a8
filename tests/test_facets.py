"""What filters find in the ledger, and that it follows every change of the papers."""

from __future__ import annotations

import json

import pytest

from rag.filters import Filter
from rag.library import Library
from tests.conftest import RECORDS
from tests.stress_ingest import write


def ids(library: Library, **fields: object) -> set[str]:
    return set(library.store.matching(Filter(**fields)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"since": 2020}, {"kelp"}),
        ({"until": 2020}, {"bees"}),
        ({"since": 2019, "until": 2021}, {"kelp", "bees"}),
        ({"since": 0}, {"kelp", "bees"}),  # of the others no year is known
        ({"venues": ["journal of meadow studies"]}, {"bees"}),
        ({"venues": ["Journal"]}, set()),
        ({"venues": ["Journal*", "Nature"]}, {"bees"}),
        ({"keywords": ["Albedo"]}, {"glacier"}),
        ({"keywords": ["2019"]}, set()),
        ({"ids": ["kelp", "chess", "nobody"]}, {"kelp", "chess"}),
        ({"ids": ["kelp", "bees"], "since": 2020}, {"kelp"}),
        ({"venues": ["*"], "since": 2020}, set()),
    ],
)
def test_any_value_of_a_field_and_all_fields(library: Library, fields, found):
    assert ids(library, **fields) == found


def test_it_follows_changed_removed_and_new_papers(library: Library, tmp_path):
    assert ids(library, since=2021) == {"kelp"}
    kelp = {**RECORDS[0], "year": 2001, "venue": "Sea"}
    new = {"id": "new", "title": "New", "abstract": "So it is.", "year": 2025, "keywords": ["sea"]}
    library.ingest(write(tmp_path / "records.jsonl", [kelp, new]))
    assert ids(library, since=2021) == {"new"}
    assert ids(library, venues=["sea"]) == {"kelp"}
    assert ids(library, keywords=["sea"]) == {"new"}
    library.remove(["new"])
    assert ids(library, since=2021) == set()


def test_another_file_may_add_what_the_first_lacks(library: Library, tmp_path):
    plain = {"id": "moss", "title": "Moss", "abstract": "It grows in shade.", "doi": "10.1/moss"}
    library.ingest(write(tmp_path / "a.jsonl", [plain]))
    library.ingest(write(tmp_path / "b.jsonl", [plain | {"venue": "Moss Letters", "year": 1999}]))
    assert ids(library, venues=["moss letters"], until=1999) == {"moss"}


@pytest.mark.parametrize(
    ("fields", "lines"),
    [
        ({"since": 2020}, []),
        ({"venues": ["Journal of Meadow Study", "*meadow*"]},
         ['no paper has the venue "Journal of Meadow Study"; '
          'did you mean "Journal of Meadow Studies"?']),
        ({"keywords": ["zebra"]}, ['no paper has the keyword "zebra"']),
        ({"ids": ["kelp", "who", "what"]}, ['2 of 3 ids are not held, such as "what"']),
        ({"since": 2030}, ["no paper is of these years; they are of 2019 to 2021"]),
    ],
)  # fmt: skip
def test_what_no_paper_has_is_told(library: Library, fields, lines):
    assert library.unmatched(Filter(**fields)) == lines


def test_a_library_without_years_says_so(tmp_path, embedder):
    record = {"title": "Moss", "abstract": "It grows on stones."}
    source = tmp_path / "a.jsonl"
    source.write_text(json.dumps(record), encoding="utf-8")
    with Library.open(tmp_path / "library", embedder=embedder) as library:
        library.ingest(source)
        [line] = library.unmatched(Filter(since=2000))
    assert line == "no paper is of these years; none has a year"
