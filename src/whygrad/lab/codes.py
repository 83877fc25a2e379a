"""The code of eight letters that a reader hands in: which guesses were right the first time.

Every quiz of the page is a digit to the base 3: 0 where nothing was guessed, 1 for a wrong first
guess, 2 for a right one. Six letters write the number to the base 23, and two more make two sums
(mod 23) what the names of the quizzes want them to be:

    Σ letter_i,    Σ i · letter_i        i = 1 … 8

So one wrong letter is found wherever it is, two of them as well, and any two that changed places; a
code of a page with other quizzes is refused, but for one in 529. ``static/codes.js`` writes codes.
They prove nothing: whoever reads this can make one up.
"""

from whygrad.errors import OptionError
from whygrad.lab.page import all_quizzes

ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ"  # without I, L and O, which look like others; 23 is prime
DATA, CHECKS = 6, 2  # letters
MOST = 17  # quizzes that fit: 3 ** 17 < 23 ** 6
WRITTEN = str.maketrans("", "", " -")  # between letters, where somebody spaced them out


def checked(code: str) -> dict[str, bool | None]:
    """Return by quiz, such as ``neuron.die``, whether the first guess was right.

    None: nothing was guessed.

    Raises:
        OptionError: it does not have the form of a code, or a letter of it is wrong.
    """
    quizzes = all_quizzes()
    letters = code.upper().translate(WRITTEN)
    if len(letters) != DATA + CHECKS or not set(letters) <= set(ALPHABET):
        raise OptionError("error.lab_code", actual=code)
    places = [ALPHABET.index(letter) for letter in letters]
    base = len(ALPHABET)
    number = sum(place * base**i for i, place in enumerate(reversed(places[:DATA])))
    sums = sum(places) % base, sum(i * place for i, place in enumerate(places, 1)) % base
    if sums != _sums_of(quizzes) or number >= 3 ** len(quizzes):
        raise OptionError("error.lab_code_wrong", code=letters)
    digits = [number // 3**i % 3 for i in range(len(quizzes))]
    return {quiz: (None, False, True)[digit] for quiz, digit in zip(quizzes, digits, strict=True)}


def _sums_of(quizzes: tuple[str, ...]) -> tuple[int, int]:
    """Return what both sums must be: a number below 23 · 23, made of the names."""
    base, salt = len(ALPHABET), 0
    for character in " ".join(quizzes):
        salt = (31 * salt + ord(character)) % base**2
    return salt % base, salt // base
