from collections import Counter


def most_common(answers):
    return Counter(answers).most_common(1)[0][0]
