"""What every lesson must have, cheap to check: words for all of it, and exercises to try.

That the defaults answer no exercise and that each solution answers its own is tried by running
them, in the tests of each lesson.
"""

from importlib.util import find_spec

import pytest

from whygrad import lessons
from whygrad.words import LANGUAGES, catalogue

WRITTEN = [name for name in lessons.NAMES if find_spec(f"whygrad.lessons.experiments.{name}")]


@pytest.mark.parametrize("name", lessons.NAMES)
def test_every_lesson_has_a_title_a_question_and_a_statement_in_both_languages(name):
    for language in LANGUAGES:
        for part in ("title", "question", "statement"):
            assert catalogue(language)[f"lesson.{name}.{part}"]


@pytest.mark.parametrize("name", WRITTEN)
def test_every_lesson_has_two_or_three_exercises_with_their_answers(name):
    exercises = lessons.find(name).exercises
    assert 2 <= len(exercises) <= 3
    assert len({one.name for one in exercises}) == len(exercises)
    for one in exercises:
        for language in LANGUAGES:
            asked = f"lesson.{name}.exercise.{one.name}"
            assert catalogue(language)[asked] and catalogue(language)[f"{asked}.answer"]


@pytest.mark.parametrize("name", WRITTEN)
def test_every_solution_is_a_change_that_the_options_allow(name):
    lesson = lessons.find(name)
    for one in lesson.exercises:
        assert lesson.start(one.solution) != lesson.start({})
