"""Writes `corpus.jsonl`: pairs of answers, and whether they are the same.

Verdicts follow from how each pair is made: by an identity, or by changing a value. Run it again
after changing it; the corpus is the same each time.
"""

import json
import math
import random
from fractions import Fraction
from pathlib import Path

CORPUS = Path(__file__).with_name("corpus.jsonl")


def pairs():
    source = random.Random(8)
    for _ in range(15):
        q = Fraction(source.randint(1, 60), source.choice([2, 4, 5, 8, 10, 16, 20, 25]))
        k = source.randint(2, 9)
        n, d = q.numerator, q.denominator
        yield "fraction", rf"\frac{{{n}}}{{{d}}}", rf"\dfrac{{{n * k}}}{{{d * k}}}", True
        yield "fraction", f"{n}/{d}", f"{float(q)!r}", True
        yield "fraction", rf"\frac{{{n}}}{{{d}}}", rf"\frac{{{n + 1}}}{{{d}}}", False
        yield "fraction", rf"-\frac{{{n}}}{{{d}}}", rf"\frac{{-{n}}}{{{d}}}", True
        yield "fraction", rf"-\frac{{{n}}}{{{d}}}", rf"\frac{{{n}}}{{{d}}}", False
    for _ in range(12):
        a, b = source.randint(2, 9), source.choice([2, 3, 5, 6, 7, 10, 11, 23])
        yield "radical", rf"{a}\sqrt{{{b}}}", rf"\sqrt{{{a * a * b}}}", True
        yield (
            "radical",
            rf"\frac{{{a}\sqrt{{{b}}}}}{{{b}}}",
            rf"\frac{{{a} \sqrt{{{b}}}}}{{{b}}}",
            True,
        )
        yield (
            "radical",
            rf"\frac{{{a}}}{{\sqrt{{{b}}}}}",
            rf"\frac{{{a}\sqrt{b}}}{{{b}}}" if b < 10 else rf"\frac{{{a}\sqrt{{{b}}}}}{{{b}}}",
            True,
        )
        yield "radical", rf"{a}\sqrt{{{b}}}", rf"{a}\sqrt{{{b + 1}}}", False
        yield "radical", rf"{a}+\sqrt{{{b}}}", rf"\sqrt{{{b}}} + {a}", True
        yield "radical", rf"{a}-\sqrt{{{b}}}", rf"\sqrt{{{b}}} - {a}", False
    for _ in range(10):
        a, b, c = source.sample(range(-9, 30), 3)
        yield "set", rf"\{{{a},{b},{c}\}}", rf"\left\{{ {c}, {a}, {b} \right\}}", True
        yield "set", rf"\{{{a},{b}\}}", rf"\{{{a},{b},{c}\}}", False
        yield "tuple", f"({a}, {b})", rf"\left({a},{b}\right)", True
        yield "tuple", f"({a},{b})", f"({b},{a})", False
        yield "tuple", f"({a},{b},{c})", f"({a},{b})", False
        yield "list", f"{a}, {b}, {c}", f"{b}, {c}, {a}", True
        yield "list", f"{a}, {b}", f"{a}, {c}", False
        low, high = sorted((a, b))
        yield "interval", f"[{low},{high})", rf"\left[{low}, {high}\right)", True
        yield "interval", f"[{low},{high})", f"[{low},{high}]", False
        yield (
            "interval",
            rf"(-\infty,{low})\cup({high},\infty)",
            rf"({high}, \infty) \cup (-\infty, {low})",
            True,
        )
    for _ in range(10):
        a, b = source.randint(1, 9), source.randint(1, 9)
        square = f"x^2+{2 * a}x+{a * a}"
        yield "polynomial", f"(x+{a})^2", square, True
        yield "polynomial", f"{a * a} + {2 * a}x + x^{{2}}", square, True
        yield "polynomial", f"(x+{a})^2", f"x^2+{2 * a}x+{a * a + 1}", False
        yield "polynomial", f"{a}x+{b}y", f"{b}y + {a}x", True
        yield "polynomial", f"{a}x+{b + 10}y", f"{a}y+{b + 10}x", False
    for _ in range(10):
        value = source.randint(100_000, 999_999)
        yield "near miss", f"{value / 1e5:.5f}", f"{(value + 1) / 1e5:.5f}", False
        yield "near miss", f"{value}", f"{value + 1}", False
        yield "near miss", f"0.{value}", f"0.{value}0", True
    for n in (2, 3, 5, 7):
        yield "near miss", rf"\sqrt{{{n}}}", f"{math.sqrt(n):.6f}", False
    for n in (12, 25, 40, 75):
        yield "percentage", rf"{n}\%", f"{n}%", True
        yield "percentage", rf"{n}\%", f"{n / 100}", True
        yield "percentage", rf"{n}\%", rf"\frac{{{n}}}{{100}}", True
        yield "percentage", f"{n}%", f"{n + 1}%", False
    for n in (30, 45, 90, 120):
        yield "degrees", rf"{n}^\circ", f"{n}", True
        yield "degrees", rf"{n}^{{\circ}}", f"{n}°", True
        yield "degrees", rf"{n}^\circ", f"{n + 1} degrees", False
        yield "units", rf"{n}\text{{ cm}}", f"{n} cm", True
        yield "units", rf"{n}\,\mathrm{{cm}}^2", f"{n}", True
        yield "units", rf"\${n}", f"{n} dollars", True
        yield "units", f"{n} minutes.", f"{n + 1} minutes.", False
        yield "thousands", f"{n},000", f"{n}000", True
        yield "thousands", rf"{n}{{,}}000", rf"{n}\,000", True
        yield "thousands", f"{n},000", f"{n},001", False
    yield from BY_HAND


BY_HAND = [
    ("text", r"\text{even}", "Even", True),
    ("text", r"\textbf{yes}", "yes.", True),
    ("text", "yes", "no", False),
    ("text", r"\text{odd}", r"\text{even}", False),
    ("text", "Monday", "monday", True),
    ("text", "red and blue", "red or blue", False),
    ("constant", r"2\pi", r"\pi\cdot 2", True),
    ("constant", r"2\pi", "2π", True),
    ("constant", r"\frac{\pi}{2}", r"\pi/2", True),
    ("constant", r"\pi", "3.14159", False),
    ("constant", "e^2", "e^{2}", True),
    ("constant", r"\ln 2", r"\ln(2)", True),
    ("constant", r"\ln 4", r"2\ln 2", True),
    ("constant", r"\log_2 8", "3", True),
    ("constant", "3+2i", "2i+3", True),
    ("constant", "3+2i", "3-2i", False),
    ("constant", r"e^{i\pi}", "-1", True),
    ("constant", "(1+i)^2", "2i", True),
    ("combinatorics", "5!", "120", True),
    ("combinatorics", r"\binom{5}{2}", "10", True),
    ("combinatorics", "C(10,3)", r"\binom{10}{3}", True),
    ("combinatorics", "2^{10}", "1024", True),
    ("combinatorics", "2^{10}", "1023", False),
    ("combinatorics", r"\binom{6}{2}", r"\binom{6}{3}", False),
    ("combinatorics", r"\frac{10!}{3!7!}", "120", True),
    ("combinatorics", "2^{1000}", "2^{1001}", False),
    ("mixed number", r"2\frac{1}{2}", r"\frac52", True),
    ("mixed number", "2 1/2", "2.5", True),
    ("mixed number", r"3\frac{1}{4}", r"\frac{3}{4}", False),
    ("spelling", r"\frac12", "0.5", True),
    ("spelling", r"\sqrt3", r"\sqrt{3}", True),
    ("spelling", r"\boxed{42}", "42", True),
    ("spelling", "$42$", "42", True),
    ("spelling", "042", "42", True),
    ("spelling", "+7", "7", True),
    ("spelling", "−7", "-7", True),
    ("spelling", "42.", "42", True),
    ("spelling", r"x^2 \cdot y", "x²y", True),
    ("spelling", r"\left(\frac{1}{2}\right)", ".5", True),
    ("spelling", r"1.5\times10^{3}", "1500", True),
    ("spelling", r"\tfrac{3}{4}", "3/4", True),
    ("equation", "x=5", "5", True),
    ("equation", "5 = x", "x = 5", True),
    ("equation", "x=5", "x=6", False),
    ("equation", "y=2x+3", "2x+3", True),
    ("equation", "x+y=1", "2x+2y=2", True),
    ("equation", "x+y=1", "x-y=1", False),
    ("equation", "x^2+y^2=4", "4=x^2+y^2", True),
    ("equation", "x=1,y=2", "y=2, x=1", True),
    ("equation", "x=1,y=2", "x=2,y=1", False),
    ("inequality", "x>2", "2<x", True),
    ("inequality", "x>2", "x<2", False),
    ("inequality", r"x\geq 2", r"x \ge 2", True),
    ("inequality", "x>2", r"x\ge 2", False),
    ("list", r"1\text{ or }2", "2, 1", True),
    ("list", "1 and 2", "1,2", True),
    ("list", r"\pm 3", "3, -3", True),
    ("list", r"1\pm\sqrt2", r"1+\sqrt{2}, 1-\sqrt{2}", True),
    ("list", r"\pm 3", "3", False),
    (
        "matrix",
        r"\begin{pmatrix}1&2\\3&4\end{pmatrix}",
        r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}",
        True,
    ),
    ("matrix", r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{pmatrix}2\\1\end{pmatrix}", False),
    ("base", "1010_2", "10", True),
    ("base", "12_3", "12", False),
    ("base", "4210_{5}", "4210_5", True),
    ("trigonometry", r"\sin^2 x+\cos^2 x", "1", True),
    ("trigonometry", r"\cos 60^\circ", r"\frac12", True),
    ("trigonometry", r"\sin x", r"\cos x", False),
    ("trigonometry", r"\tan\frac{\pi}{4}", "1", True),
    ("absolute", "|x-1|", "|1-x|", True),
    ("absolute", "|x|", "x", False),
    ("absolute", "|-5|", "5", True),
    ("functions", r"\lfloor 5.5 \rfloor", "5", True),
    ("functions", r"\lceil 5.5 \rceil", "5", False),
    ("set", r"\emptyset", r"\{\}", True),
    ("set", r"\{1\}", "1", False),
    ("ratio", "1:2", "2:4", True),
    ("ratio", "1:2", "2:1", False),
    ("interval", r"x\in[0,1]", "[0,1]", True),
    # What one key for each answer cannot do; see the table of known errors.
    ("units", "5 cm", "5 m", False),
    ("units", "2 hours", "120 minutes", True),
    ("interval", "1<x<2", r"x\in(1,2)", True),
]


if __name__ == "__main__":
    lines = dict.fromkeys(
        json.dumps({"topic": topic, "a": a, "b": b, "same": same}, ensure_ascii=False)
        for topic, a, b, same in pairs()
    )
    CORPUS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines)} pairs")
