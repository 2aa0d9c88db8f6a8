from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.names import absent_names
from rag.quantities import asked_unit, quantities, unstated

SOURCE = (
    "It is more than 80 times faster on 1.6TB of data: 108,948 images, a 44\\% drop, SSIM "
    "0.990pm0.006, 25,000 patients, eighty-four items, factors 3.5-20, a three-fold gain in both "
    "modalities, p < 0.05, 142 million images, 10 GB, DINOv2 and GPT-4V on 3D CT (ISLES'22)."
)


@pytest.mark.parametrize(
    "claim",
    [
        "over 80x faster", "80-fold", "1.6 terabytes", "about 109 thousand images",
        "over 100,000 images", "44 percent", "44 per cent", "SSIM of 0.99", "25k patients",
        "25 thousand patients", "84 items", "eighty-four items", "from 3.5 to 20", "three times",
        "two modalities", "factor 3.5 and 20", "more than 142 million images", "142M images",
        "p<0.05", "0.990 ± 0.006",
    ],
)  # fmt: skip
def test_re_expressed_figures_are_stated(claim: str) -> None:
    assert unstated(claim, SOURCE) == []


@pytest.mark.parametrize(
    ("claim", "missing"),
    [
        ("81 times faster", ["81 times"]),
        ("44 times faster", ["44 times"]),
        ("80% faster", ["80%"]),
        ("1.7 TB", ["1.7 TB"]),
        ("about 120 thousand images", ["120 thousand"]),
        ("over 109,000 images", ["109,000"]),
        ("under 100,000 images", ["100,000"]),
        ("twenty-two items", ["twenty-two"]),
        ("143 million images", ["143 million"]),
        ("10 minutes", ["10 minutes"]),
        ("a sixth of the images", ["a sixth"]),
        ("it doubles the speed", ["doubles"]),
        ("108,948%", ["108,948%"]),
        ("an SSIM of 0.91 and 0.92", ["0.91", "0.92"]),
    ],
)
def test_figures_that_the_source_lacks(claim: str, missing: list[str]) -> None:
    assert unstated(claim, SOURCE) == missing


def test_numbers_of_a_list_share_its_unit() -> None:
    source = "sensitivity/specificity 92/78%, after 2 to 3 hours, 128x128 pixels, 6+ million images"
    for claim in ("78% and 92%", "2 hours", "128 by 128", "more than 6 million images"):
        assert unstated(claim, source) == []
    assert unstated("128%", source) == ["128%"]


@given(st.integers(21, 10**9))
def test_a_number_states_itself_and_not_its_neighbour(number: int) -> None:
    assert unstated(f"{number} scans", f"There were {number:,} scans.") == []
    assert unstated(f"{number + 1} scans", f"There were {number:,} scans.") != []


@given(st.integers(1, 99), st.sampled_from([100, 200, 1000]))
def test_counts_state_their_share_and_no_other(percent: int, whole: int) -> None:
    source = f"Of {whole} patients, {percent * whole // 100} had pain."
    assert unstated(f"{percent}% had pain", source) == []
    assert unstated(f"{percent + 0.5}% had pain", source) == [f"{percent + 0.5}%"]


@given(st.integers(2, 500))
def test_a_period_is_stated_in_any_unit(weeks: int) -> None:
    assert unstated(f"after {7 * weeks} days", f"They came after {weeks} weeks.") == []
    assert unstated(f"after {14 * weeks} days", f"They came after {weeks} weeks.") != []


@given(st.integers(2, 999), st.integers(2, 999))
def test_a_difference_is_stated_where_the_words_say_so(low: int, more: int) -> None:
    source = f"It took {low} minutes with the tool and {low + more} minutes without."
    assert unstated(f"The tool was {more} minutes faster.", source) == []


@given(st.text(max_size=200))
def test_any_text_states_its_own_quantities(text: str) -> None:
    assert unstated(text, text) == []


TRIAL = (
    "Of 200 patients in six hospitals, 80 were treated. Pain fell from 6.4 to 1.1 points "
    "(p = 0.03) after 12 weeks. Planning took 21 minutes by hand and 8 minutes with the tool. The "
    "odds ratio for relapse was 2.0 (95% CI 1.2-3.4); 47% relapsed within half a year, and age was "
    "65 or over in 9 of 14 deaths. Cost was $300. Scans came from CT, MRI and PET."
)


@pytest.mark.parametrize(
    "claim",
    [
        "40% of patients", "two in five patients", "two fifths of patients", "nearly half relapsed",
        "just under half relapsed", "about 13 minutes less", "13 minutes faster", "twice the odds",
        "the odds doubled", "within six months", "within 26 weeks", "all three modalities",
        "nine of the 14 deaths", "300 dollars", "roughly 0.47",
        "both groups", "a 95% confidence interval", "two hundred patients", "over 190 patients",
        "a drop of 5.3 points", "an odds ratio of two", "aged 65 or more", "half a dozen hospitals",
    ],
)  # fmt: skip
def test_what_follows_from_figures_is_stated(claim: str) -> None:
    assert unstated(claim, TRIAL) == []


@pytest.mark.parametrize(
    ("claim", "missing"),
    [
        ("a third of patients", ["a third"]),
        ("just over half relapsed", ["half"]),
        ("one in ten relapsed", ["one in ten"]),
        ("nine in ten relapsed", ["nine in ten"]),
        ("ten of the 14 deaths", ["ten of the 14"]),
        ("it tripled", ["tripled"]),
        ("three times the odds", ["three times"]),
        ("15 minutes faster", ["15 minutes"]),
        ("14 minutes", ["14 minutes"]),
        ("95% of patients relapsed", ["95%"]),
        ("p = 0.04", ["0.04"]),
        ("over 210 patients", ["210"]),
        ("under 190 patients", ["190"]),
        ("seven hospitals", ["seven"]),
        ("a dozen hospitals", ["a dozen"]),
    ],
)
def test_figures_that_do_not_follow(claim: str, missing: list[str]) -> None:
    assert unstated(claim, TRIAL) == missing


def test_a_bound_has_a_direction() -> None:
    assert unstated("significant at p < 0.05", "no difference was seen (p > 0.05)") == ["0.05"]
    assert unstated("no difference at p > 0.05", "no difference was seen (p > 0.05)") == []


def test_a_number_counts_what_it_counts_in_the_source() -> None:
    source = "There were 60 surveys in 25 countries, and 30 driver genes formed 11 pathways."
    assert unstated("It found 30 driver genes in 11 pathways.", source) == []
    assert unstated("It found 11 driver genes in 30 pathways.", source) == ["11", "30"]


def test_a_figure_of_another_sentence_is_no_support() -> None:
    source = (
        "Removing the attention block reduced the correlation to 0.66. In the earliest window, "
        "for strokes imaged within 3 hours, agreement with the neuroradiologists was only 0.55."
    )
    claim = "In the earliest window, within three hours, agreement with neuroradiologists was {}."
    assert unstated(claim.format("0.55"), source) == []
    assert unstated(claim.format("0.66"), source) == ["0.66"]


@pytest.mark.parametrize(
    ("question", "unit"),
    [
        ("How many GPU hours did it take?", "h"),
        ("How many seconds per slice?", "s"),
        ("What did it cost in dollars?", "USD"),
        ("How many times faster is it?", ""),
        ("How many patients were scanned in hospital?", ""),
    ],
)
def test_the_unit_that_a_question_asks_for(question: str, unit: str) -> None:
    assert asked_unit(question) == unit


def test_names_with_digits_are_no_quantities() -> None:
    assert quantities("DINOv2, GPT-4V, T2w, 3D, F1, COVID-19, U-Net++2") == ()


def test_names_are_compared_letter_by_letter() -> None:
    assert absent_names("DINOv2, GPT-4V and CTs", SOURCE) == []
    assert absent_names("DINOv3 on BraTS", SOURCE) == ["DINOv3", "BraTS"]


def test_a_name_is_no_part_of_a_word() -> None:
    assert absent_names("MARS and CT", "a summary of primary lesions detected") == ["MARS", "CT"]


def test_an_acronym_may_be_spelled_out_in_the_source() -> None:
    assert absent_names("an ultrasound or MRI scan", "magnetic resonance imaging") == []
