"""The whole pipeline: a real library, the real client, and a model server that is scripted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

import rag
from rag.assistant import RETRIEVED, Assistant
from rag.chat import ChatWriter
from rag.errors import InputError, ModelError, ModelInterruptedError
from rag.library import Library
from rag.render import to_dict
from rag.settings import Settings
from rag.types import Answer, Filter, Found, Removed, Sentence, Source, Status, Turn
from tests.conftest import RECORDS
from tests.model_server import ModelServer, model_server
from tests.test_schemas import validate

__all__ = ["model_server"]

# "Kelp Forests Recover" is the only title with these initials, so the collection has an answer.
QUESTION = "KFR: how far rose kelp cover on cleared reefs?"
COVER = "Kelp cover rose from 8% to 61% on cleared reefs [1]."
CURRENTS = "Recovery was fastest where currents were strong [1]."
ALTERED = "Kelp cover rose from 8% to 71% on cleared reefs [1]."


def assistant(library: Library, server: ModelServer, **changes: Any) -> Assistant:
    values = {"model": "tiny", "openai_base_url": server.url, "retries": 0, **changes}
    return Assistant(library, ChatWriter.from_settings(Settings(_env_file=None, **values)))


def ask(
    library: Library, server: ModelServer, history: Sequence[Turn] = (), question: str = QUESTION,
    **changes: Any,
) -> Answer:  # fmt: skip
    """The answer, held to what every answer promises."""
    answer = assistant(library, server, **changes).ask(question, history)
    validate("ask", to_dict(answer))
    assert answer.refused == (answer.refusal is not None) == (not answer.sentences)
    assert [source.n for source in answer.sources] == list(range(1, len(answer.sources) + 1))
    assert len(answer.retrieved) == min(RETRIEVED, library.status().papers)
    texts = {
        source.n: {"abstract": source.text, "title": source.title} for source in answer.sources
    }
    at = 0
    for sentence in answer.sentences:
        at = answer.text.index(sentence.text, at) + len(sentence.text)
        assert sentence.verdict == "supported"
        assert sentence.citations and sentence.evidence
        assert set(sentence.citations) <= texts.keys()
        for item in sentence.evidence:
            assert item.quote == texts[item.source][item.field][item.start : item.end] != ""
    assert answer.usage.calls == len(server.requests)
    return answer


# --- what is shown ----------------------------------------------------------------------


def test_a_supported_sentence_is_shown_with_its_evidence(
    library: Library, model_server: ModelServer
) -> None:
    model_server.say(COVER)
    answer = ask(library, model_server)
    assert answer.text == COVER
    assert not answer.removed
    (sentence,) = answer.sentences
    assert sentence.evidence[0].quote.startswith("Kelp cover rose from 8% to 61%")
    assert answer.sources[0].paper_id == "kelp"
    assert answer.model == "tiny"
    assert {"search", "draft", "total"} <= answer.timings.keys()
    assert all(seconds >= 0 for seconds in answer.timings.values())
    assert "Kelp cover rose from 8% to 61%" in model_server.prompt()


def test_a_sentence_is_shown_while_the_model_still_writes(
    library: Library, model_server: ModelServer
) -> None:
    model_server.add(f"{COVER} Recovery was fastest", silent=True)
    events = assistant(library, model_server).stream(QUESTION)
    seen = []
    for event in events:
        seen.append(event)
        if isinstance(event, Sentence):
            break  # the server sends no end: to wait for one would be to wait for ever
    events.close()
    assert [type(event) for event in seen] == [Status, Found, Status, Sentence]
    assert seen[-1].text == COVER


def test_nothing_is_streamed_before_its_check(library: Library, model_server: ModelServer) -> None:
    model_server.say(f"{ALTERED} {COVER} Aspirin cures kelp.", "")
    events = list(assistant(library, model_server).stream(QUESTION))
    assert [event.text for event in events if isinstance(event, Sentence)] == [COVER]
    removed = [event.verdict for event in events if isinstance(event, Removed)]
    assert removed == ["unsupported", "uncited"]
    assert isinstance(events[-1], Answer)
    assert sum(isinstance(event, Answer) for event in events) == 1


def test_closing_the_stream_closes_the_models_connection(
    library: Library, model_server: ModelServer
) -> None:
    model_server.add(f"{COVER} " * 500, pause=0.005)
    events = assistant(library, model_server).stream(QUESTION)
    assert any(isinstance(event, Sentence) for event in events)
    events.close()
    assert model_server.disconnected.wait(10)


# --- what is removed and repaired -------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "verdict", "reason"),
    [
        ("Divers removed sea urchins from 14 reefs [9].", "phantom", "source 9 does not exist"),
        ("Divers removed sea urchins from 14 reefs.", "uncited", "without a citation"),
        (ALTERED, "unsupported", "71% is not in source 1"),
        (
            "Aspirin lowers fever in most adult patients [1].",
            "unsupported",
            "Aspirin is not in source 1",
        ),
    ],
)
def test_what_fails_its_check_is_listed_and_not_shown(
    library: Library, model_server: ModelServer, sentence: str, verdict: str, reason: str
) -> None:
    model_server.say(f"{sentence} {CURRENTS}", "1: NO_ANSWER")
    answer = ask(library, model_server)
    assert answer.text == CURRENTS
    (removed,) = answer.removed
    assert (removed.text, removed.verdict) == (sentence, verdict)
    assert reason in removed.reason
    assert reason in model_server.prompt(1)


def test_a_repaired_sentence_returns_to_its_place(
    library: Library, model_server: ModelServer
) -> None:
    model_server.say(f"{ALTERED} {CURRENTS}", f"1: {COVER}")
    answer = ask(library, model_server)
    assert answer.text == f"{COVER} {CURRENTS}"
    assert [removed.text for removed in answer.removed] == [ALTERED]
    usage = answer.usage
    spoken = f"{ALTERED} {CURRENTS}".split() + f"1: {COVER}".split()
    assert (usage.calls, usage.prompt_tokens) == (2, 200)
    assert usage.completion_tokens == len(spoken)


def test_a_repair_is_checked_like_any_sentence(library: Library, model_server: ModelServer) -> None:
    model_server.say(f"{ALTERED} {CURRENTS}", "1: Kelp cover rose to 99% on cleared reefs [1].")
    answer = ask(library, model_server)
    assert answer.text == CURRENTS
    assert [removed.text for removed in answer.removed] == [ALTERED]
    assert len(model_server.requests) == 2


def test_a_failing_repair_loses_nothing_that_was_checked(
    library: Library, model_server: ModelServer
) -> None:
    model_server.say(f"{ALTERED} {CURRENTS}")
    model_server.fail(500)
    answer = ask(library, model_server)
    assert answer.text == CURRENTS
    assert [removed.text for removed in answer.removed] == [ALTERED]


# --- refusals ---------------------------------------------------------------------------


@pytest.mark.parametrize("reply", ["NO_ANSWER", "NO_ANSWER.", "<think>Hm.</think>\nNO_ANSWER"])
def test_a_model_that_finds_no_answer_refuses(
    library: Library, model_server: ModelServer, reply: str
) -> None:
    model_server.say(reply)
    answer = ask(library, model_server)
    assert answer.refusal is not None
    assert answer.refusal.cause == "not_in_collection"
    assert answer.refusal.nearest == tuple(row.paper_id for row in answer.retrieved[:3])
    assert answer.refusal.nearest[0] == "kelp"
    assert answer.text == answer.refusal.text
    assert len(model_server.requests) == 1


def test_where_nothing_stands_its_check_nothing_is_shown(
    library: Library, model_server: ModelServer
) -> None:
    model_server.say(f"{ALTERED} Kelp cures cancer.", "1: NO_ANSWER\n2: NO_ANSWER")
    answer = ask(library, model_server)
    assert answer.refusal is not None
    assert answer.refusal.cause == "nothing_supported"
    assert [removed.text for removed in answer.removed] == [ALTERED, "Kelp cures cancer."]
    assert not any(word in answer.text for word in ("71%", "cancer"))
    assert answer.refusal.nearest[0] == "kelp"


def test_where_nothing_is_relevant_no_model_is_asked(
    library: Library, model_server: ModelServer
) -> None:
    answer = ask(library, model_server, question="Qxzzy vlorp zindle?")
    assert answer.refusal is not None
    assert answer.refusal.cause == "not_in_collection"
    assert len(answer.refusal.nearest) == 3
    assert answer.sources == ()
    assert model_server.requests == []


def test_a_filter_limits_the_sources_and_is_told(library: Library, model_server) -> None:
    where = Filter(ids=("kelp", "bees"))
    model_server.say(COVER)
    answer = assistant(library, model_server).ask(QUESTION, where=where)
    validate("ask", to_dict(answer))
    assert answer.where == where
    assert {row.paper_id for row in answer.retrieved} == {"kelp", "bees"}
    assert {source.paper_id for source in answer.sources} <= {"kelp", "bees"}
    model_server.say(COVER)
    plain = assistant(library, model_server).ask(QUESTION, where=Filter())
    assert (plain.where, plain.id == answer.id) == (None, False)


@pytest.mark.parametrize(
    ("where", "told"),
    [
        (Filter(since=2030), "the collection: no paper passes the filter (since 2030); no paper "
         "is of these years; they are of 2019 to 2021."),
        (Filter(ids=("chess",)), 'the one paper that passes the filter (id "chess").'),
        (Filter(ids=("chess", "bread")),
         'the 2 papers that pass the filter (id "chess" or "bread").'),
    ],
)  # fmt: skip
def test_a_filter_that_leaves_no_answer_is_a_refusal(
    library: Library, model_server: ModelServer, where: Filter, told: str
) -> None:
    answer = assistant(library, model_server).ask(QUESTION, where=where)
    assert answer.refusal is not None
    assert answer.refusal.cause == "not_in_collection"
    assert answer.refusal.text.startswith(f"I found no answer to this question in {told}")
    assert set(answer.refusal.nearest) <= set(where.ids or ())
    assert model_server.requests == []


def test_an_empty_library_says_what_to_do(library: Library, model_server: ModelServer) -> None:
    library.store.remove([record["id"] for record in RECORDS])
    with pytest.raises(InputError, match="is empty; add papers: rag ingest FILE"):
        assistant(library, model_server).ask(QUESTION)
    assert model_server.requests == []


# --- failing models ---------------------------------------------------------------------


def test_an_overloaded_model_is_asked_again(library: Library, model_server: ModelServer) -> None:
    model_server.fail(429, Retry_After="0.01")
    model_server.say(COVER)
    answer = assistant(library, model_server, retries=2).ask(QUESTION)
    assert answer.text == COVER
    assert len(model_server.requests) == 2


def test_a_model_that_keeps_failing_is_an_error(
    library: Library, model_server: ModelServer
) -> None:
    for _ in range(3):
        model_server.fail(500, Retry_After="0.01")
    with pytest.raises(ModelError, match="keeps failing") as caught:
        assistant(library, model_server, retries=2).ask(QUESTION)
    assert "\n" not in str(caught.value)
    assert len(model_server.requests) == 3


@pytest.mark.parametrize("fault", [{"cut": True}, {"finish": "length"}, {"silent": True}])
def test_what_was_checked_before_a_reply_broke_off_is_kept(
    library: Library, model_server: ModelServer, fault: dict[str, Any]
) -> None:
    model_server.add(f"{ALTERED} {COVER} Recovery was fastest", **fault)
    answer = ask(library, model_server, timeout=0.5)
    assert answer.text == COVER
    assert [note.kind for note in answer.notes] == ["scope"]
    assert "incomplete" in answer.notes[0].text
    assert [removed.text for removed in answer.removed] == [ALTERED]
    assert len(model_server.requests) == 1, "a model that broke off is not asked to repair"


@pytest.mark.parametrize("text", ["Kelp cover", f"{ALTERED} Recovery was fastest"])
def test_a_reply_that_breaks_off_before_anything_is_checked_is_an_error(
    library: Library, model_server: ModelServer, text: str
) -> None:
    model_server.add(text, cut=True)
    with pytest.raises(ModelInterruptedError, match="broke off in the middle"):
        assistant(library, model_server).ask(QUESTION)


def test_an_empty_reply_is_an_error(library: Library, model_server: ModelServer) -> None:
    model_server.add("")
    with pytest.raises(ModelError, match="sent an empty reply; check that RAG_MODEL"):
        assistant(library, model_server).ask(QUESTION)


# --- conversations, notes ---------------------------------------------------------------


def test_a_follow_up_is_condensed_before_it_is_searched(
    library: Library, model_server: ModelServer
) -> None:
    condensed = "KFR: where was recovery of kelp fastest?"
    model_server.say(condensed, CURRENTS)
    history = (Turn("user", QUESTION), Turn("assistant", COVER))
    answer = ask(library, model_server, history, "And where was it fastest?")
    assert (answer.question, answer.query) == ("And where was it fastest?", condensed)
    assert answer.text == CURRENTS
    assert (answer.usage.calls, answer.usage.prompt_tokens) == (2, 200)
    assert "And where was it fastest?" in model_server.prompt(0)


def test_a_limit_that_the_model_states_is_a_note(
    library: Library, model_server: ModelServer
) -> None:
    model_server.say(f"{COVER}\nNote: The sources say nothing about urchins on control reefs.")
    answer = ask(library, model_server)
    assert [note.kind for note in answer.notes] == ["scope"]
    assert "control reefs" in answer.notes[0].text
    assert "control reefs" not in answer.text


def test_a_collections_remark_stands_by_its_cited_papers(
    library: Library, model_server: ModelServer
) -> None:
    question = "How many breaks did the ASFB detector find on bridges?"
    model_server.say("A detector found 96% of the breaks [1].")
    answer = ask(library, model_server, question=question)
    assert answer.sources[0].paper_id == "bridge"
    assert [(note.kind, note.text) for note in answer.notes] == [("collection", "A test record.")]


def test_without_a_model_whole_sentences_are_quoted(library: Library) -> None:
    answer = Assistant(library).ask(QUESTION)
    assert answer.model == "extractive"
    assert answer.usage.calls == 0
    assert any("from 8% to 61%" in sentence.text for sentence in answer.sentences)
    assert not answer.removed


def test_sources_are_read_ahead_while_a_model_drafts_and_never_for_quotes(
    library: Library, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []

    @contextmanager
    def reading_ahead(sources: Sequence[Source]) -> Iterator[None]:
        steps.append(f"reading {sources[0].paper_id}")
        yield
        steps.append("draft ended")

    monkeypatch.setattr("rag.assistant.reading_ahead", reading_ahead)
    Assistant(library).ask(QUESTION)
    assert steps == []
    model_server.say(COVER)
    ask(library, model_server)
    assert steps == ["reading kelp", "draft ended"]


# --- questions --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("", "is empty"), (" \n\t", "is empty"), ("\x00\x1b\x07", "is empty"),
        ("\u200f\u202e", "is empty"), ("x" * 100_000, "has 100,000 characters"),
    ],
)  # fmt: skip
def test_a_question_that_is_none(
    library: Library, model_server: ModelServer, question: str, words: str
) -> None:
    for call in (assistant(library, model_server).ask, library.search):
        with pytest.raises(InputError, match=words) as caught:
            call(question)
        assert "\n" not in str(caught.value)
    assert model_server.requests == []


def test_marks_in_a_question_reach_nobody(library: Library, model_server: ModelServer) -> None:
    model_server.say(COVER)
    answer = ask(library, model_server, question=f"\u200f{QUESTION}\u202e\x00")
    assert answer.question == answer.query == QUESTION
    assert not set("\u200f\u202e\x00") & set(model_server.prompt())


# --- a person's own text, and drafts of others ------------------------------------------


def test_own_text_gets_verdicts_and_the_papers_that_support_it(library: Library) -> None:
    text = (
        "# Notes\n\nDust lowered the albedo of six alpine glaciers by 0.07 [12]. "
        "Kelp cover rose from 8% to 61% on cleared reefs. Kelp cover rose to 93%."
    )
    checked = Assistant(library).check(text)
    validate("check", to_dict(checked))
    assert [s.verdict for s in checked.sentences] == [
        "not_a_claim", "supported", "supported", "unsupported",
    ]  # fmt: skip
    assert all(sentence.text in text for sentence in checked.sentences)
    assert [source.n for source in checked.sources] == list(range(1, len(checked.sources) + 1))
    first, second = (
        [checked.sources[n - 1].paper_id for n in checked.sentences[row].citations]
        for row in (1, 2)
    )
    assert (first, second) == (["glacier"], ["kelp"])
    assert checked.sentences[3].reason == "no paper of the library supports it"
    for sentence in checked.sentences:
        for item in sentence.evidence:
            source = checked.sources[item.source - 1]
            field = source.text if item.field == "abstract" else source.title
            assert field[item.start : item.end] == item.quote


def test_own_text_without_a_sentence_has_no_verdict(library: Library) -> None:
    assert Assistant(library).check(" \n").sentences == ()


def test_a_draft_is_judged_as_it_stands() -> None:
    sources = [{"title": record["title"], "text": record["abstract"]} for record in RECORDS[:2]]
    draft = f"{COVER} {ALTERED} {CURRENTS.replace('[1]', '[3]')} Seed set fell by 12%."
    checked = rag.check(draft, sources)
    assert [s.verdict for s in checked.sentences] == [
        "supported", "unsupported", "phantom", "uncited",
    ]  # fmt: skip
    assert [s.kept for s in checked.sentences] == [True, False, False, False]
    assert " ".join(s.text for s in checked.sentences) == draft
    given = [Source(7, "kelp", "", "", None, RECORDS[0]["abstract"])]
    assert rag.check(COVER, given).sentences[0].kept, "sources are numbered by their order"
    assert rag.check("", []).sentences == ()


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ({"title": "A"}, "found none"), ({"text": None}, "found none"),
        ({"text": 3}, "found int"), ("an abstract", "found str"), (None, "found none"),
        ({"text": "a", "title": 3}, "found int"),
    ],
)  # fmt: skip
def test_a_source_that_is_none_is_named(source: Any, found: str) -> None:
    with pytest.raises(InputError, match=rf"^source 2 .*{found}$") as caught:
        rag.check(COVER, [{"text": "A."}, source])
    assert "\n" not in str(caught.value)
