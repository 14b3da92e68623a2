"""Lines of a keepalived.conf, and the words that keepalived 2.2.7 reads in them.

Each case is the text before an instance, the text in its list of addresses, and the words behind
the addresses: keepalived complains about each of these words. A test of the lab asks keepalived
itself for the words.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Case(NamedTuple):
    """A text, and the words that it has. The text ``before`` has definitions."""

    lines: str
    words: list[str]
    before: str = ""


def whole_text(case: Case) -> str:
    """Return the file of a case."""
    return (
        f"{case.before}vrrp_instance V {{\ninterface eth0\nvirtual_router_id 1\n"
        f"virtual_ipaddress {{\n{case.lines}\n}}\n}}\n"
    )


ADDRESS: Final = "10.0.0.1"
X_V: Final = "$X=v\n"

CASES: Final = [
    # Words and comments.
    Case("10.0.0.1 a\tb", ["a", "b"]),
    Case('10.0.0.1 a "b c" d', ["a", "b c", "d"]),
    Case('10.0.0.1 a"b c"d', ["a", "b c", "d"]),
    Case('10.0.0.1 a "b""c"', ["a", "b", "c"]),
    Case('10.0.0.1 a "" b', ["a", "", "b"]),
    Case("10.0.0.1 a 'b c'", ["a", "'b", "c'"]),
    Case("10.0.0.1 a\\b", ["a\\b"]),
    Case("10.0.0.1 a\\\\b", ["a\\\\b"]),
    Case("10.0.0.1 a\\ b", ["a\\", "b"]),
    Case("10.0.0.1 a#b", ["a"]),
    Case("10.0.0.1 a!b c", ["a"]),
    Case('10.0.0.1 a "b#c"#d', ["a", "b#c"]),
    Case("10.0.0.1 a\n10.0.0.1 b", ["a", "b"]),
    # Uses of definitions.
    Case("10.0.0.1 $X", ["v"], X_V),
    Case("10.0.0.1 ${X}", ["v"], X_V),
    Case("10.0.0.1 a${X}b", ["avb"], X_V),
    Case("10.0.0.1 a$X", ["av"], X_V),
    Case("10.0.0.1 $X,b", ["v,b"], X_V),
    Case("10.0.0.1 $X)b", ["v)b"], X_V),
    Case("10.0.0.1 ($X)", ["(v)"], X_V),
    Case("10.0.0.1 ${X}${X}", ["vv"], X_V),
    Case("10.0.0.1 \\$X", ["\\v"], X_V),
    Case("10.0.0.1 $X # $X", ["v"], X_V),
    Case("10.0.0.1 $X\t$Y", ["b", "c"], "$X=b\n$Y=c\n"),
    Case("10.0.0.1 $X,$Y", ["b,c"], "$X=b\n$Y=c\n"),
    Case("10.0.0.1 $X", ["v", "w"], "$X=v w\n"),
    Case('10.0.0.1 "a ${X} b"', ["a v w b"], "$X=v w\n"),
    Case("10.0.0.1 $X", ["v w"], '$X="v w"\n'),
    Case("10.0.0.1 ${_INSTANCE}", ["lb1"]),
    Case('10.0.0.1 "a${_HASH}b"', ["a#b"]),
    Case('10.0.0.1 "a${_BANG}b"', ["a!b"]),
    Case("10.0.0.1 a${_HASH}b", ["a"]),
    Case("10.0.0.1 a${_BANG}b", ["a"]),
    # Definitions.
    Case("10.0.0.1 $X", ["v"], "$X= v\n"),
    Case("10.0.0.1 $X", ["v"], "  $X=v\n"),
    Case("10.0.0.1 $X", ["v"], "$X=v # c\n"),
    Case("10.0.0.1 $X", ["v"], "$X=v#c\n"),
    Case("10.0.0.1 $X", ["b"], "$X=b # c ${X}\n"),
    Case("10.0.0.1 a $X b", ["a", "b"], "$X=\n"),
    Case("10.0.0.1 $X", ["w"], "$X=v\n$X=w\n"),
    Case("10.0.0.1 $_X", ["v"], "$_X=v\n"),
    Case("10.0.0.1 $X1_y", ["v"], "$X1_y=v\n"),
    Case("10.0.0.1 $Y", ["vw"], "$X=v\n$Y=${X}w\n"),
    Case("10.0.0.1 $Y", ["vw"], "$Y=${X}w\n$X=v\n"),
    Case("10.0.0.1 $Y", ["w"], "$X=v\n$Y=$X\n$X=w\n"),
    Case("10.0.0.1 $Z", ["bcd"], "$X=b\n$Y=${X}c\n$Z=${Y}d\n"),
    Case("$X=v\n10.0.0.1 $X", ["v"]),
    # Definitions of several lines.
    Case("10.0.0.1 $X", ["v", "w", "x"], "$X=v \\\n10.0.0.1 w \\\n10.0.0.1 x\n"),
    Case("$X", ["v", "w"], "$X=10.0.0.1 v \\\n10.0.0.1 w\n"),
    Case("$X", ["v", "w"], "$X=\\\n10.0.0.1 v \\\n10.0.0.1 w\n"),
    Case("$X", ["v", "w", "x"], "$X=10.0.0.1 v \\\n   10.0.0.1 w \\\n\t10.0.0.1 x\n"),
    Case("$X", ["v", "w"], "$X=10.0.0.1 v \\\n \\\n10.0.0.1 w\n"),
    Case("$X", ["v", "w"], "$X=10.0.0.1 v \\\n# c\\\n10.0.0.1 w\n"),
    Case("$X", ["v", "w"], "$X=10.0.0.1 v \\\n10.0.0.1 w # c\n"),
    Case("$X", ["v", "w", "x"], "$X=10.0.0.1 v \\\n10.0.0.1 w # c \\\n10.0.0.1 x\n"),
    Case("$X", ["v", "x"], "$X=10.0.0.1 v # d \\\n10.0.0.1 x\n"),
    Case("$X", ["v"], "$X=10.0.0.1 v \\\n   \n"),
    Case("$X", ["v"], "$X=10.0.0.1 v \\\n# c\n"),
    Case("$X", ["y", "y"], "$Y=y\n$X=10.0.0.1 ${Y} \\\n10.0.0.1 $Y\n"),
    Case("$X", ["v", "z"], "$X=10.0.0.1 v \\\n$Y=z \\\n10.0.0.1 $Y\n"),
    Case("$X", ["a", "b", "c"], "$Y=10.0.0.1 b \\\n10.0.0.1 c\n$X=10.0.0.1 a \\\n$Y\n"),
    Case("@lb1 $X", ["v", "w"], "$X=10.0.0.1 v \\\n10.0.0.1 w\n"),
    Case("~SEQ(n,2) $X", ["v1", "w1", "v2", "w2"], "$X=10.0.0.1 v${n} \\\n10.0.0.1 w${n}\n"),
    # Conditions. The config id is lb1.
    Case("@lb1 10.0.0.1 a", ["a"]),
    Case("@lb2 10.0.0.1 a", []),
    Case("@^lb1 10.0.0.1 a", []),
    Case("@^lb2 10.0.0.1 a", ["a"]),
    Case("@lb1", []),
    Case("@ 10.0.0.1 a", []),
    Case("@lb1x 10.0.0.1 a", []),
    Case("@LB1 10.0.0.1 a", []),
    Case("@lb1\t10.0.0.1 a", ["a"]),
    Case("  @lb1 10.0.0.1 a", ["a"]),
    Case("@lb1{ 10.0.0.1 a", []),
    Case("$C 10.0.0.1 a", [], "$C=@lb2\n"),
    Case("$C 10.0.0.1 a", ["a"], "$C=\n"),
    Case("@$I 10.0.0.1 a", [], "$I=lb1\n"),
    Case("@${I} 10.0.0.1 a", [], "$I=lb1\n"),
    Case("@lb1 $X=v\n10.0.0.1 $X", ["v"]),
    Case("@lb1 ~SEQ(n,2) 10.0.0.1 a${n}", ["a1", "a2"]),
    Case("~SEQ(n,2) @lb1 10.0.0.1 a${n}", ["a1", "a2"]),
    Case("~SEQ(n,2) @lb2 10.0.0.1 a${n}", []),
    Case("~SEQ(n,2) @lb${n} 10.0.0.1 a${n}", []),
    # Sequences of numbers.
    Case("~SEQ(n,3) 10.0.0.1 a$n", ["a1", "a2", "a3"]),
    Case("~SEQ(n, 3) 10.0.0.1 a${n}b", ["a1b", "a2b", "a3b"]),
    Case("~SEQ(n,2,4) 10.0.0.1 a${n}", ["a2", "a3", "a4"]),
    Case("~SEQ(n,4,2) 10.0.0.1 a${n}", ["a4", "a3", "a2"]),
    Case("~SEQ(n,2,2,6) 10.0.0.1 a${n}", ["a2", "a4", "a6"]),
    Case("~SEQ(n,6,-2,1) 10.0.0.1 a${n}", ["a6", "a4", "a2"]),
    Case("~SEQ(n,-2) 10.0.0.1 a${n}", ["a-1", "a-2"]),
    Case("~SEQ(n,0) 10.0.0.1 a${n}", ["a1", "a0"]),
    Case("~SEQ(n,1,1) 10.0.0.1 a${n}", ["a1"]),
    Case("~SEQx(n,9,11) 10.0.0.1 a${n}", ["a9", "aa", "ab"]),
    Case("~SEQ(n,0x9,0xb) 10.0.0.1 a${n}", ["a9", "a10", "a11"]),
    Case("~SEQ(n,03) 10.0.0.1 a${n}", ["a1", "a2", "a3"]),
    Case("~SEQ(n,2) ~SEQ(m,2) 10.0.0.1 a${n}${m}", ["a11", "a12", "a21", "a22"]),
    Case("~SEQ(n,2) ~SEQ(m,$n) 10.0.0.1 a${n}${m}", ["a11", "a21", "a22"]),
    Case("~SEQ(n,2) 10.0.0.1 b", ["b", "b"]),
    Case("~SEQ(n,$E) 10.0.0.1 a${n}", ["a1", "a2"], "$E=2\n"),
    Case("~SEQ(n,${E}) 10.0.0.1 a${n}", ["a1", "a2"], "$E=2\n"),
    Case("~SEQ(n,$B,$E) 10.0.0.1 a${n}", ["a2", "a3"], "$B=2\n$E=3\n"),
    Case("~SEQ(n,$E) 10.0.0.1 ${n}", ["1", "2", "3"], "$E=1,$F\n$F=3\n"),
    Case("~SEQ(n,2) 10.0.0.1 $X", ["a1", "a2"], "$X=a$n \n"),
    Case("~SEQ(n,2) 10.0.0.1 ${n}\n10.0.0.1 $n", ["1", "2", "2"], "$n=v\n"),
    Case("$S 10.0.0.1 a$n", ["a1", "a2"], "$S=~SEQ(n,2)\n"),
    # Sequences of values.
    Case("~LST(v,a,b) 10.0.0.1 $v", ["a", "b"]),
    Case("~LST(v, a , b ) 10.0.0.1 ${v}x", ["ax", "bx"]),
    Case("~LST(v,a) 10.0.0.1 $v", ["a"]),
    Case("~LST(v,a-b,c/d,e.f,g:h) 10.0.0.1 ${v}", ["a-b", "c/d", "e.f", "g:h"]),
    Case("~LST(v,,c) 10.0.0.1 x${v}", ["x", "xc"]),
    Case("~LST({v},{a},{b}) 10.0.0.1 ${v}", ["a", "b"]),
    Case("~LST({v,w},{a,b},{c,d}) 10.0.0.1 ${v}${w}", ["ab", "cd"]),
    Case("~LST({v,w}, {a, b}, {c , d}) 10.0.0.1 ${v}${w}", ["ab", "cd"]),
    Case("~LST ({v,w},{a,b}) 10.0.0.1 ${v}${w}", ["ab"]),
    Case("~LST({v,w},{a},{c,d}) 10.0.0.1 ${v}${w}", ["a", "cd"]),
    Case("~LST(v,$E,c) 10.0.0.1 ${v}", ["a", "c"], "$E=a\n"),
    Case("~LST(v,$E,c) 10.0.0.1 ${v}", ["a", "b", "c"], "$E=a b\n"),
    Case("~LST(v,$E) 10.0.0.1 ${v}", ["a,b"], "$E=a,b\n"),
    Case("~LST(v,a,b) ~SEQ(n,2) 10.0.0.1 ${v}${n}", ["a1", "a2", "b1", "b2"]),
]

REFUSED: Final = {
    # keepalived drops the line with a complaint.
    "~SEQ(n,1,0,3) 10.0.0.1 a": "5:1: ~SEQ: the step does not lead from the start to the end",
    "~SEQ(n,1,-1,3) 10.0.0.1 a": "5:1: ~SEQ: the step does not lead from the start to the end",
    "~SEQ(n) 10.0.0.1 a": "5:1: wrong sequence (expected ~SEQ(NAME, [START, [STEP,]] END) or"
    " ~LST(NAME, VALUE, ...))",
    "~SEQ(n,x) 10.0.0.1 a": "5:1: ~SEQ: wrong numbers (expected [START, [STEP,]] END)",
    "~SEQ(n,1,2,3,4) 10.0.0.1 a": "5:1: ~SEQ: wrong numbers (expected [START, [STEP,]] END)",
    "~SEQ(n,2 10.0.0.1 a": "5:1: wrong sequence (expected ~SEQ(NAME, [START, [STEP,]] END) or"
    " ~LST(NAME, VALUE, ...))",
    "~LST(v) 10.0.0.1 a": "5:1: ~LST: wrong names or no values (expected NAME, VALUE, ...)",
    "~LST({v,w},{a,b,x}) 10.0.0.1 a": "5:1: ~LST: more values than names",
    "~LST(v,a b,c) 10.0.0.1 a": "5:1: ~LST: a value has a blank or a quote (define it, and use"
    " $NAME)",
    '10.0.0.1 a"b': "5:11: the quotation mark is not closed in this line",
}
"""Lines of which keepalived complains, and the faults of hadirector with their places."""

MISUNDERSTOOD: Final = {
    # keepalived reads on with words that nobody meant.
    "10.0.0.1 a\\#b": (
        ["a"],
        '5:11: \\# begins a comment in spite of the backslash; put the word into "quotes"',
    ),
    "10.0.0.1 $Xb": (["$Xb"], '5:10: "$Xb" is not defined (${Xb} within a word)'),
    "10.0.0.1 $X/b": (["$X/b"], '5:10: "$X" is not defined (${X} within a word)'),
    '10.0.0.1 "$X"': (["$X"], '5:11: "$X" is not defined (${X} within a word)'),
    "10.0.0.1 a \\": (
        ["a\\"],
        "5:11: a backslash at the end continues only a definition ($NAME=)",
    ),
    "@lb2 $X=v\n10.0.0.1 $X": (["$X"], '6:10: "$X" is not defined (${X} within a word)'),
}
"""Lines that keepalived accepts with these words, and the faults of hadirector."""
