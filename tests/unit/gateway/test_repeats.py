"""Prompts that come again."""

from tokenhub.core.rewards import Quality
from tokenhub.gateway.repeats import MOST, WINDOW_S, Repeats


class Asked:
    """Requests of one prompt, each answered within a second."""

    def __init__(self):
        self.repeats = Repeats()
        self.count = 0

    def __call__(self, at, prompt=b"hello", key="key_0123456789abcdef"):
        self.count += 1
        sign = Quality(
            request_id=f"req_{self.count}", provider_id="p", model_id="m", score=0.0, at=at
        )
        found = self.repeats.met(prompt, key, began=at, ended=at + 1, sign=sign)
        return found and found.request_id


def test_the_second_says_something_of_the_first():
    asked = Asked()

    assert [None, "req_1"] == [asked(0.0), asked(30.0)]


def test_a_third_says_nothing_of_the_second():
    asked = Asked()

    assert [None, "req_1", None, None] == [asked(at) for at in (0.0, 30.0, 60.0, 90.0)]


def test_after_the_window_nothing_is_said_and_all_begins_anew():
    asked = Asked()
    late = 1.0 + WINDOW_S + 0.1

    assert [None, None, "req_2"] == [asked(0.0), asked(late), asked(late + 2)]


def test_what_was_sent_before_the_answer_was_there_says_nothing():
    asked = Asked()

    assert [None, None] == [asked(0.0), asked(0.5)]


def test_other_prompts_and_other_keys_are_others():
    asked = Asked()

    assert [None, None, None] == [
        asked(0.0), asked(2.0, b"good day"), asked(2.0, key="key_fedcba9876543210")
    ]  # fmt: skip


def test_only_so_many_are_remembered_and_the_oldest_is_forgotten():
    asked = Asked()
    asked(0.0)
    for number in range(MOST):
        asked(0.0, b"%d" % number)

    assert asked(2.0) is None
    assert len(asked.repeats._answered) == MOST
