"""The forms in which questions are asked and probed."""

from __future__ import annotations

from dataclasses import dataclass

QUESTION = "{question}"
"""Where the question's text stands in a form."""


@dataclass(frozen=True, slots=True)
class PromptForm:
    """How a benchmark asks and probes one kind of model.

    `prompt` holds `{question}` once. `chat` says whether the prompt is a user's message that
    goes through the model's chat template, or plain text to be continued. `probe` is appended
    to a branch that is cut off, so that the next few greedy tokens are its answer; `ends` is
    where that answer ends, and `answer_start` the last thing before an answer in a finished
    branch. Generation is stopped at the first of `stop` in a branch, of `probe_stop` in a probe.
    """

    prompt: str
    chat: bool
    probe: str
    ends: tuple[str, ...]
    answer_start: str
    stop: tuple[str, ...] = ()
    probe_stop: tuple[str, ...] = ()


def boxed(instruction: str) -> PromptForm:
    """For reasoning models: think, then answer in a box. A probe closes the thinking first."""
    return PromptForm(
        prompt=f"{QUESTION}\n\n{instruction}",
        chat=True,
        probe="\n</think>\n\nThe final answer is \\boxed{",
        ends=("}",),
        answer_start="\\boxed{",
    )


def few_shot(examples: list[tuple[str, str, str]]) -> PromptForm:
    """For models that only complete text: worked examples of (question, reasoning, answer)."""
    shots = "".join(
        f"Question: {question}\nReasoning: {reasoning}\nAnswer: {answer}\n\n"
        for question, reasoning, answer in examples
    )
    return PromptForm(
        prompt=f"{shots}Question: {QUESTION}\nReasoning:",
        chat=False,
        probe="\nAnswer:",
        ends=("\n",),
        answer_start="\nAnswer:",
        # What comes after the answer in every example.
        stop=("\nQuestion:",),
        probe_stop=("\n",),
    )


MATH = boxed("Please reason step by step, and put your final answer within \\boxed{}.")
CHOICE = boxed(
    "Please reason step by step, and put the letter of the correct option within \\boxed{}."
)
MATH_SHOTS = few_shot(
    [
        (
            "What is the sum of the even numbers from 2 to 10?",
            "The numbers are 2, 4, 6, 8 and 10. 2 + 4 = 6, 6 + 6 = 12, 12 + 8 = 20, 20 + 10 = 30.",
            "30",
        ),
        (
            "A right triangle has legs of length 1 and 3. How long is its hypotenuse?",
            "By Pythagoras the square of the hypotenuse is 1 + 9 = 10.",
            "\\sqrt{10}",
        ),
        (
            "Two fair coins are thrown. How probable are two heads?",
            "Each coin shows heads with probability 1/2, so both do with 1/2 * 1/2 = 1/4.",
            "\\frac{1}{4}",
        ),
    ]
)
ARITHMETIC_SHOTS = few_shot(
    [
        ("What is 3 + 4?", "3 + 4 = 7.", "7"),
        ("What is (2 + 5) * 3?", "2 + 5 = 7. 7 * 3 = 21.", "21"),
        ("What is 18 - 25?", "18 - 25 = -7.", "-7"),
        ("What is 9 - 4 + 20?", "9 - 4 = 5. 5 + 20 = 25.", "25"),
        ("What is 6 * 8?", "6 * 8 = 48.", "48"),
        ("What is 12 + 30 - 7 - 15?", "12 + 30 = 42. 42 - 7 = 35. 35 - 15 = 20.", "20"),
        ("What is 7 * 5 + 11?", "7 * 5 = 35. 35 + 11 = 46.", "46"),
        ("What is 41 - 13?", "41 - 13 = 28.", "28"),
    ]
)
CHOICE_SHOTS = few_shot(
    [
        (
            "Which of these numbers is prime?\n\nA) 21\nB) 23\nC) 25\nD) 27",
            "21 = 3 * 7, 25 = 5 * 5 and 27 = 3 * 9. 23 has no divisor but 1 and itself.",
            "B",
        ),
        (
            "Which gas do plants take up for photosynthesis?\n\nA) oxygen\nB) nitrogen\n"
            "C) carbon dioxide\nD) helium",
            "Photosynthesis makes sugar from water and carbon dioxide.",
            "C",
        ),
    ]
)


def parse_answer(form: PromptForm, text: str) -> str:
    """The last answer in a branch's text, or in a probe's text without the probe itself.

    Empty where there is none, or where it was cut off inside the box.
    """
    start = text.rfind(form.answer_start)
    rest = text[start + len(form.answer_start) :] if start >= 0 else ""
    if form.ends == ("}",):
        depth = 0
        for position, char in enumerate(rest):
            if char == "{":
                depth += 1
            elif char == "}":
                if depth == 0:
                    return rest[:position].strip()
                depth -= 1
        return ""
    for end in form.ends:
        rest = rest.lstrip(" ").split(end, 1)[0]
    return rest.strip()
