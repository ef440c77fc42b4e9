"""Programs written against the question object of the released implementation."""

from collections import Counter
from dataclasses import dataclass

from helper_module import most_common


class Base:
    NAME = "base"

    def __init__(self, config=None):
        self.config = config or {}

    def description(self):
        return self.NAME


class Majority(Base):
    def solve(self, question):
        answers = []
        for _ in range(self.config.get("samples", 64)):
            try:
                answers.append(question.get_new_branch_final_answer())
            except IndexError:
                break
        return most_common(answers)


class Rounds(Base):
    """Deepens β's share of six branches until all are finished, prunes nothing."""

    def solve(self, question):
        width = max(1, round(6 * self.config["beta"]))
        answers, finished = {}, set()
        for _ in range(width):
            try:
                answer, index, done = question.probe_new()
            except ValueError:
                break
            answers[index] = answer
            if done:
                finished.add(index)
        while len(finished) < len(answers):
            for index in answers:
                if index not in finished:
                    answers[index], done = question.probe_more(index)
                    if done:
                        finished.add(index)
        longest, total = question.get_seq_and_total_tokens()
        assert total == sum(question.get_cost_per_branch_active()) >= longest
        assert question.probe_freq == 500
        return Counter(answers.values()).most_common(1)[0][0]


@dataclass
class Settings:
    samples: int = 64
    beta: float = 1.0


class Configured:
    """Takes its configuration as an object of a class of its own."""

    def __init__(self, config: Settings | None = None):
        self.config = config or Settings()

    def solve(self, question):
        samples = round(self.config.samples * self.config.beta)
        return most_common([question.get_new_branch_final_answer() for _ in range(samples)])


class Keywords:
    def __init__(self, max_samples=8):
        self.max_samples = max_samples

    def solve(self, question):
        answers = [question.get_new_branch_final_answer() for _ in range(self.max_samples)]
        return most_common(answers)


class Invents(Base):
    def solve(self, question):
        question.probe_new()
        return "made up"


class Silent(Base):
    def solve(self, question):
        question.probe_new()


class OpensNothing(Base):
    def solve(self, question):
        return question.probe_more(3)
