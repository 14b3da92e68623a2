"""Patterns that a reader stumbles over, each with what to write instead (docs/style.md)."""

from __future__ import annotations

import re
from typing import Final

BANNED: Final = [
    # A: a relative pronoun without a noun.
    (
        r"\bones? (?:that|which|who|whose|in|with|without|at|on)\b|\bthe ones? of\b",
        "name the thing again",
    ),
    (r"\bthose (?:of|that|which|who|whose|with|without|in|at|on|for)\b", "name the things again"),
    (r"\b(?:whoever|whomever|whatever|whichever)\b", "name who or what acts"),
    (r"(?:^|[.;:!?] )What\b(?![^.]*\?)", "begin with the noun: 'The service that ...'"),
    (r"(?:^|[.;:!?] )Who\b(?![^.]*\?)", "begin with the noun"),
    (
        r"\b(?:of|to|by|from|with|in|at|for|and|but|or) what"
        r" (?:is|was|are|were|it|they|the|a|an)\b",
        "name the thing instead of 'what'",
    ),
    (r"\bwhat (?:is|are|was|were|has|had) (?:to be|not|no)\b", "name the thing instead of 'what'"),
    (r"\b(?:takes?|keeps?|gives?|does|makes?|needs?|reads?|writes?|removes?) what\b", "name it"),
    # B: an inverted beginning.
    (
        r"(?:^|[.;!?] )(?:Of|By|From|To) (?:which|those|these|what|whom|a|the|all|them)\b",
        "subject first",
    ),
    (r"\b(?:of|by|from|to|for|with) (?:whom|whose)\b", "subject, verb, object"),
    (r"(?<!all )(?<!each )(?<!some )\b(?:of|by) which\b", "subject, verb, object"),
    (
        r"(?:^|[.;!?] )(?:Neither|Nor|None|Never|Not|Nothing|No) (?:is|are|has|does|do|of)\b",
        "subject first",
    ),
    # C: idioms that are not English.
    (
        r"\balso (?:when|if|while|where)\b",
        "'..., even if ...' or two sentences",
    ),
    (r"\ba want of\b", "'a lack of', or name what is missing"),
    (r"(?<!there )\b(?:is|are) (?-i:none)\b", "'there is no ...'"),
    (r"\bha(?:s|ve) not enough\b", "'does not have enough'"),
    (r"\bsince (?:a|an|one) (?:day|hour|minute|second|while)\b", "'for a day'"),
    (r"\bno work worth\b", "give the figure"),
    (r"\bgo(?:es)? (?:by|before)\b", "'uses', 'takes precedence over'"),
    (r"\bstands? (?:by|there|for itself|in the place)\b", "name the relation"),
    (r"\bin (?:the|its|their) place of\b", "'instead of', 'replaces'"),
    (
        r"\b(?:all the same|at all|as well as ever|for good|by itself|of its own accord)\b",
        "leave it out",
    ),
    (
        r"\b(?:anew|afresh|thereby|thereof|herein|hence|thus|lest|unto|whence|wherein|whereby)\b",
        "plain words",
    ),
    (r"\bof late\b|\bfor want of\b|\bin truth\b|\bto and fro\b", "plain words"),
    (r"\bso (?:many|much|long|that many)\b(?! as)", "give the noun: 'at most N ...'"),
    (r"\bno more than some\b|\bsome (?:\d)", "'about'"),
    (r"\bat most as\b|\bmeanwhile\b|\bto begin with\b", "plain words"),
    # D: persons for things.
    (
        r"\b(?:nobody|somebody|everybody|anybody|no one|someone)\b",
        "name the program or 'another program'",
    ),
    (r"\b(?:he|him|his|she|her|himself|herself)\b", "name the thing"),
    (
        r"\b(?:believes?|believed|mistrusts?|knows? of|minds?|forgives?|heeds?|obeys?)\b",
        "accept, reject, use",
    ),
    (
        r"\b(?:asks?|asked|asking) (?:for|of|it|them|the|what|whether|again|every|once)\b",
        "request, query, probe",
    ),
    (r"\b(?:dies|lives|born|wakes up|is gone for)\b", "exits, runs, starts"),
    # E: verbs of speech for every output.
    (r"\b(?:tells?|told|telling|said|saying|speaks?|spoken)\b", "report, return, log, send, print"),
    (r"\bsays?\b", "report, return, state, show"),
    (r"\b(?:hears?|heard|overhears?|overheard)\b(?! (?:an? )?advertisements?)", "receive"),
    # F: ellipsis and double negation.
    (r"\bnot un(?!der|til|less|ique|it)\w+", "say it positively"),
    (r"\bnothing (?:but|that is not|else than)\b", "say it positively"),
    (r"\bno (?:longer|more) (?:not|un)\w*", "say it positively"),
    (r"\bbut for\b|\bbut that of\b|\bother than that\b|\belse than\b", "'except', 'without'"),
    # G: private nouns.
    (r"\b(?:sights?|in sight|out of sight|lost from sight)\b", "seen, unseen, blind"),
    (r"\b(?:upkeep|homeless|lifted|sentinels?|undecided|eyes)\b", "see docs/glossary.md"),
    (r"\b(?:departure|resigns?|resignation|leave-taking)\b", "handover"),
    (r"\bkept (?:in|back|although|all)\b", "held"),
    (r"\bis taken for\b|\btaken for granted\b", "counts as, assume"),
    (
        r"\b(?:synchronis|recognis|initialis|normalis|organis|summaris|optimis|serialis|prioritis"
        r"|neighbour|colour|behaviour|favour|honour)\w*\b(?!\.h\b)",
        "US spelling",
    ),
]
AT_THE_BEGINNING: Final = "(?:^|"
"""Patterns for the beginning of a sentence depend on its capital letter; all others do not."""
PATTERNS: Final = [
    (re.compile(pattern, 0 if pattern.startswith(AT_THE_BEGINNING) else re.IGNORECASE), instead)
    for pattern, instead in BANNED
]
SENTENCE_WORDS_MAX: Final = 35
LINE_MAX: Final = 120
_OTHER_NAMES: Final = (
    r"_*(?:(?:is|has|was|can|may)_|\w*(?:feed|need|seed|speed|exceed|proceed|succeed)$)"
)
PARTICIPLES: Final = re.compile(
    rf"(?!{_OTHER_NAMES})_*"
    r"(?:\w{2,}ed|said|told|led|held|made|kept|written|seen|known|found|begun|lost|heard|shown"
    r"|given|taken|gone|left|sent|put|set_up|drawn|spoken|chosen|split_up)"
)
