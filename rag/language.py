"""Which language a question is in, if it is not English: by its letters and its small words.

The embedded models read English. A library that identifies languages was left out: on texts as
short and as full of names as a question, they take English for something else too often, and a
question refused by mistake costs more than one in a rare language answered badly.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

_WORD = re.compile(r"[^\W\d_]+")
_SCRIPTS = {
    "CYRILLIC": "Russian or another language in Cyrillic letters", "CJK": "Chinese",
    "HIRAGANA": "Japanese", "KATAKANA": "Japanese", "HANGUL": "Korean", "ARABIC": "Arabic",
    "HEBREW": "Hebrew", "DEVANAGARI": "Hindi", "BENGALI": "Bengali", "THAI": "Thai",
    "TAMIL": "Tamil", "TELUGU": "Telugu", "GREEK": "Greek", "ARMENIAN": "Armenian",
    "GEORGIAN": "Georgian",
}  # fmt: skip
# Words that questions are made of, and that are no English words, names or abbreviations.
_SMALL_WORDS = {
    "German": "wie viele welche welcher welches welchen wurde wurden werden wird sind ist hat "
    "haben und oder nicht mit für auf auch bei von zum zur der das dem den eine einen einer "
    "gibt warum wofür woran kann können dieser diese",
    "French": "quel quelle quels quelles combien comment pourquoi est sont été avec dans pour sur "
    "les des une du aux ont cette ces et ou qui que où leur leurs qu est-ce",
    "Spanish": "qué cuál cuáles cuántos cuántas cuánto cómo por para con los las del una son fue "
    "fueron está están esta este estos hay dónde quién y el se",
    "Italian": "quale quali quanti quante quanto come perché sono è stato stati della delle degli "
    "nel nella con gli una che il dove chi di per",
    "Portuguese": "qual quais quantos quantas como por que são foi foram dos das uma nos nas no na "
    "com para está estão onde quem não os",
    "Dutch": "welke hoeveel waarom wat hoe zijn wordt worden werd werden het een met voor van niet "
    "deze dit bij naar ook de",
    "Polish": "jaki jaka jakie ile jak czy są jest został zostały przez oraz dla nie które który "
    "gdzie dlaczego z w na do",
    "Swedish": "vilka vilken vilket hur många varför är och för med som på av att det inte finns",
    "Turkish": "nedir kaç hangi nasıl neden ve için bir ile bu mı mi mu var mıdır olan",
}
_WORDS = {language: frozenset(words.split()) for language, words in _SMALL_WORDS.items()}
_ENGLISH = frozenset(
    """the a an of in on for to with and or is are was were be been what which who how why when
    where does do did can could should there their this these that those by from than at as it
    its has have had any about not no""".split()
)
_MOST_ENGLISH = 0.34
"""Share of the small words that may be English in a question that is not."""
_FEWEST = 2


def foreign(text: str) -> str:
    """The language of ``text`` as people call it in English; empty if it may be English."""
    letters = [letter for letter in text if letter.isalpha()]
    if not letters:
        return ""
    scripts = Counter(unicodedata.name(letter, "").partition(" ")[0] for letter in letters)
    script, count = scripts.most_common(1)[0]
    if count * 2 > len(letters) and script in _SCRIPTS:
        japanese = scripts["HIRAGANA"] + scripts["KATAKANA"] > 0
        return "Japanese" if japanese and script == "CJK" else _SCRIPTS[script]
    words = {word.lower() for word in _WORD.findall(text)}
    language = max(_WORDS, key=lambda name: len(words & _WORDS[name]))
    small, english = len(words & _WORDS[language]), len(words & _ENGLISH)
    plain = small >= _FEWEST and english <= _MOST_ENGLISH * small
    return language if plain else ""
