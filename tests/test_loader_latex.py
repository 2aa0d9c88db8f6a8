from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.loaders.latex import latex_to_text


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"Gr{\"o}{\ss}e, na\"{\i}ve, \v Skoda, \L{}\'od\'z", "Größe, naïve, Škoda, Łódź"),
        (r"rose by 10\% ($p<0.05$), $0.990\pm0.006$", "rose by 10% (p<0.05), 0.990±0.006"),
        (r"$10^{5}$ and 10\textsuperscript{5}, \textsuperscript{18}F", "10^5 and 10^5, 18F"),
        (r"\emph{E. coli} \& {\bf yeast}", "E. coli & yeast"),
        (r"``quoted'' -- aside---end", "“quoted” – aside—end"),
        (r"$\mathcal{O}(n \log n)$ \mbox{5 $\pm$ 1}", "O(n log n) 5 ± 1"),
        (r"see \href{http://a.b/c}{the page} \cite{x}", "see the page"),
        (r"$\sim$5 times, $\times$3", "∼5 times, ×3"),
        ("a~tie and\n  wrapped lines", "a tie and wrapped lines"),
    ],
)
def test_latex_becomes_what_it_prints(latex, text):
    assert latex_to_text(latex) == text


@pytest.mark.parametrize(
    "text",
    [
        "43.8% of cases & 5%-10% of controls, #3",
        "from $5 to $9 million, $5-$6 each",
        "~50 cells in snake_case a^b",
        "l'Hôpital, p < 0.05 and > 3",
        r"\unheard 5 of \these",
        "C# {",
    ],
)
def test_plain_text_stays(text):
    assert latex_to_text(text) == text.replace(" {", "")


def test_a_formula_that_never_ends_loses_nothing():
    assert latex_to_text(r"cost $5\% of {all 7 {things") == "cost $5% of all 7 things"


@given(st.text(alphabet=r"ab1 5.%&#$\{}~^_'`-()" + '"\n', max_size=60))
def test_nothing_that_people_type_breaks_it(text):
    assert isinstance(latex_to_text(text), str)


@given(st.lists(st.integers(0, 99_999), min_size=1, max_size=8), st.sampled_from(["%", r"\%", "$"]))
def test_figures_survive(numbers, sign):
    words = " ".join(f"value {n}{sign} here" for n in numbers)
    kept = latex_to_text(words)
    assert [word.rstrip("%$") for word in kept.split()[1::3]] == [str(n) for n in numbers]
