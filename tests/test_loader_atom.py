from __future__ import annotations

import pytest

from rag.errors import InputError
from rag.loaders.atom import FORMAT
from rag.loaders.textfile import TextFile
from rag.types import Failure, Paper

ENTRY = r"""<entry>
 <id>http://arxiv.org/abs/2101.00001v2</id>
 <updated>2021-03-01T00:00:00Z</updated><published>2021-01-01T18:00:00Z</published>
 <title>Kelp Detection with
  $\beta$-Networks</title>
 <summary>  We find $10\%$ more kelp than
  Br\"une &amp; al., at $\sim$5 reefs ($p&lt;0.05$).
 </summary>
 <author><name>Ann Brine</name><arxiv:affiliation>Reef Town</arxiv:affiliation></author>
 <author><name>Carl Holdfast</name></author>
 <arxiv:doi>10.1234/kelp</arxiv:doi>
 <link title="doi" href="http://dx.doi.org/10.1234/kelp" rel="related"/>
 <link href="http://arxiv.org/abs/2101.00001v2" rel="alternate" type="text/html"/>
 <arxiv:comment>9 pages</arxiv:comment><arxiv:journal_ref>J. Reefs 12 (2021)</arxiv:journal_ref>
 <arxiv:primary_category term="cs.CV"/><category term="cs.CV"/><category term="q-bio.PE"/>
</entry>
"""
OLD = """<entry><id>http://arxiv.org/abs/hep-th/9901001v3</id><published>1999-01-01</published>
<title>Old Reefs</title><summary>Branes and reefs.</summary></entry>
"""
ERROR = """<entry><id>http://arxiv.org/api/errors#incorrect_id_format</id><title>Error</title>
<summary>incorrect id format for 1</summary></entry>
"""
BLOG = """<entry><id>tag:example.org,2020:1</id><title>Lamps</title>
<link rel="alternate" href="https://example.org/lamps"/><summary>Lit meadows.</summary></entry>
"""


def feed(*entries: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom" '
        f'xmlns:arxiv="http://arxiv.org/schemas/atom">{"".join(entries)}</feed>'
    )


def load(text: str) -> tuple[list[tuple[str, Paper]], list[Failure]]:
    failures: list[Failure] = []
    return list(FORMAT.load(TextFile.of("a.xml", text), failures.append)), failures


def test_an_entry_comes_whole():
    [(where, paper)], failures = load(feed(ENTRY))
    assert failures == []
    assert where == "a.xml, record 1 (arXiv 2101.00001)"
    assert paper == Paper(
        id="2101.00001",
        title="Kelp Detection with β-Networks",
        abstract="We find 10% more kelp than Brüne & al., at ∼5 reefs (p<0.05).",
        authors=("Ann Brine", "Carl Holdfast"),
        year=2021,
        venue="J. Reefs 12 (2021)",
        url="https://arxiv.org/abs/2101.00001",
        doi="10.1234/kelp",
        arxiv_id="2101.00001",
        keywords=("cs.CV", "q-bio.PE"),
    )


def test_old_ids_and_other_feeds():
    papers, failures = load(feed(OLD, BLOG))
    assert failures == []
    old, blog = (paper for _, paper in papers)
    assert (old.id, old.venue, old.year) == ("hep-th/9901001", "arXiv", 1999)
    assert (blog.id, blog.venue, blog.url) == ("", "", "https://example.org/lamps")


def test_messages_and_entries_without_an_abstract_are_told_and_the_rest_is_read():
    bare = OLD.replace("<summary>Branes and reefs.</summary>", "<summary> </summary>")
    papers, failures = load(feed(ERROR, bare, ENTRY))
    assert [paper.id for _, paper in papers] == ["2101.00001"]
    assert failures == [
        Failure("a.xml, record 1", "expected a paper, found arXiv's message "
                "'incorrect id format for 1'"),
        Failure("a.xml, record 2 (arXiv hep-th/9901001)", "abstract: expected text, found nothing"),
    ]  # fmt: skip


def test_a_feed_with_entities_of_its_own_is_refused():
    dangerous = feed(ENTRY).replace(
        "<feed", '<!DOCTYPE feed [<!ENTITY x SYSTEM "file:///etc/passwd">]><feed', 1
    )
    with pytest.raises(InputError, match="refused: its XML declares"):
        load(dangerous.replace("Branes", "&x;"))


def test_a_feed_without_entries_is_refused():
    with pytest.raises(InputError, match="holds no records; expected <entry>"):
        load(feed())


def test_it_is_told_by_its_content():
    assert FORMAT.matches(feed(ENTRY))
    assert FORMAT.matches('<a:feed xmlns:a="http://www.w3.org/2005/Atom">')
    assert not FORMAT.matches("<feeder>")
    assert not FORMAT.matches("<PubmedArticleSet>")
