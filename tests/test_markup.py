"""Words as HTML."""

import pytest

from whygrad.words import t
from whygrad.words.markup import Markup, both, element, joined, said


def test_strings_are_escaped_and_markup_is_not():
    assert element("td", "a < b & c", class_="x") == '<td class="x">a &lt; b &amp; c</td>'
    assert element("p", Markup("<b>a</b>"), None, ["x", ["<"]]) == "<p><b>a</b>x&lt;</p>"
    assert joined("<", Markup("<")) == "&lt;<"


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"aria_label": 'say "a"'}, '<p aria-label="say &quot;a&quot;"></p>'),
        ({"open": True}, "<p open></p>"),
        ({"open": False, "id": None}, "<p></p>"),
        ({"colspan": 4}, '<p colspan="4"></p>'),
    ],
)
def test_attributes(attributes, expected):
    assert element("p", **attributes) == expected


def test_some_elements_have_no_end():
    assert element("meta", charset="utf-8") == '<meta charset="utf-8">'


def test_a_phrase_stands_there_in_both_languages():
    assert said("noun.neuron") == (
        '<span class="said" lang="en">neuron</span><span class="said" lang="zh-Hans">神经元</span>'
    )
    blocks = both(lambda: element("p", t("noun.neuron")), name="div")
    assert blocks == (
        '<div class="said" lang="en"><p>neuron</p></div>'
        '<div class="said" lang="zh-Hans"><p>神经元</p></div>'
    )


def test_what_is_the_same_in_both_languages_stands_there_once():
    assert both(lambda: "a < b") == "a &lt; b"
