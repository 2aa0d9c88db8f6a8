from __future__ import annotations

import pytest

from rag.citations import parse_claims


@pytest.mark.parametrize(
    "text",
    [
        "Sure!", "Here is a summary:", "I hope this helps!", "Would you like more details?",
        "Let me know if you have any further questions.", "## Results", "**Datasets for stroke**",
        "| Method | Dice |", "|---|---|", "---", "Key findings:", "## ISLES 2022",
        "### 1. Datasets",
        "**Accuracy.**", "Below is a table comparing the models:", "What datasets are available?",
        "Based on the provided sources, here are the main datasets for stroke:",
        "Let's break it down.", "Do you want me to set the two designs side by side?",
        "**Sources:** [1], [2]", "```python", "The findings are as follows:",
    ],
)  # fmt: skip
def test_talk_headings_and_rules_state_nothing(text: str) -> None:
    assert [claim.checkable for claim in parse_claims(text)] == [False]


@pytest.mark.parametrize(
    "text",
    [
        "If you have a stroke, take aspirin at once.",
        "Please let patients stop taking aspirin immediately.",
        "I hope you know that aspirin cures stroke lesions in all patients.",
        "Sure, SKM-TEA cures cancer", "Okay, SKM-TEA is fake", "Thanks to it, cancer is cured",
        "SKM-TEA was withdrawn for fraud:", "Here are the datasets that cause cancer:",
        "# SKM-TEA cures knee disease", "## Radiologists should abandon MRI entirely",
        "**Aspirin cures stroke:**", "| ISLES | cures all strokes |", "| SKM-TEA | five hundred |",
        "It works.", "It does not.", "No.", "The answer is no.", "Answer: no.",
        "The results are good.",
        "## Conclusion: AI wins", "### 2. Top 5 models", "## No benefit of PET", "A > B",
        "Why does SKM-TEA cure cancer?", "Would you like to hear that aspirin cures stroke?",
        "## Better than radiologists", "It works [1].",
        "Isn't SKM-TEA, which was withdrawn for fraud, the best known?",
    ],
)  # fmt: skip
def test_no_fact_slips_through_as_talk(text: str) -> None:
    assert [claim.checkable for claim in parse_claims(text)] == [True]
