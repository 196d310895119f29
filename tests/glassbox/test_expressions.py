import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glasswork.errors import GlassworkError
from glasswork.glassbox.expressions import evaluate, parse, read_values, write_number

INF, NAN = math.inf, math.nan


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("max(0, 2.9) + (-1.5) * 0.25", 2.525),
        ("max(0, 5.1 - 3.2 + 1) + max(0, -1.7 - 3.2 + 1)", 2.9),
        ("-2 ** 2", -4.0),
        ("2 ** 3 ** 2", 512.0),
        ("2 ** -1", 0.5),
        ("3²*2", 18.0),
        ("2⁻¹ + 10¹²", 1e12 + 0.5),
        ("8 - 3 - 2", 3.0),
        ("16 / 4 / 2", 2.0),
        ("--3", 3.0),
        ("+3 - +1", 2.0),
        ("-(1 + 2)", -3.0),
        ("1e3 + .5 + 1_000", 2000.5),
        ("max(1, 7, 3, -2) - min(4)", 3.0),
        ("exp(0) + log(1) + sqrt(9)", 4.0),
        ("sin(pi / 2) - cos(pi)", 2.0),
        ("tanh(0) + sigmoid(0) + relu(-3) + relu(2) + abs(-1)", 3.5),
        ("erf(0.5)", math.erf(0.5)),
        ("sigmoid(-800) + sigmoid(800)", 1.0),
        ("1 +\n  2", 3.0),
        ("10 ** 400 - 1", INF),
        ("9" * 400, INF),
    ],
)
def test_an_expression_has_the_value_that_arithmetic_says(expression, value):
    assert evaluate(expression) == pytest.approx(value, rel=1e-15)


def test_names_stand_for_the_values_given():
    assert evaluate("(x + y) * z", x=-2, y=5, z=-4) == -12
    assert evaluate("expression * 2", expression=3) == 6
    assert evaluate("pi * 2", pi=3) == 6
    assert evaluate("\u03b8 + \uff58", **{"\u03b8": 1.0, "x": 2.0}) == 3


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 / 0", INF),
        ("-1 / 0", -INF),
        ("1 / -0.0", -INF),
        ("0 / 0", NAN),
        ("0 ** -1", INF),
        ("exp(1000)", INF),
        ("-exp(1000)", -INF),
        ("exp(1000) - exp(1000)", NAN),
        ("(-10) ** 309", -INF),
        ("(-10) ** 310", INF),
        ("1e308 * 10", INF),
        ("log(0)", -INF),
        ("sin(inf)", NAN),
        ("max(nan, 1)", NAN),
        ("min(1, nan)", NAN),
        ("relu(nan)", NAN),
        ("tanh(inf) + sigmoid(-inf)", 1.0),
    ],
)
def test_division_by_zero_and_overflow_are_no_exceptions(expression, value):
    found = evaluate(expression)
    assert found == value or (math.isnan(found) and math.isnan(value))


@pytest.mark.parametrize(
    ("expression", "values", "sentence"),
    [
        ("x + w", {"x": 1}, "uses 'w', which has no value: given are x; add w=NUMBER"),
        ("x1 + x2", {"x1": 1, "x3": 2}, "uses 'x2'.*did you mean 'x3'"),
        ("x", {}, "no values are given; add x=NUMBER"),
        ("x", {"x": 1, "y": 2}, "A value for 'y' is given, but the expression 'x' does not use it"),
        ("x", {"x": "two"}, "The value of 'x' must be a number, but it is 'two'"),
        ("x", {"x": 1j}, "must be a number"),
        ("sigmod(1)", {}, "'sigmod(.*)' at position 1 calls 'sigmod', which is not a function.*did you mean sigmoid"),
        ("ln(2)", {}, "did you mean log"),
        ("x(3)", {"x": 1}, "not a function .a product needs a *"),
        ("2 * exp", {}, "'exp' is a function"),
        ("exp(1, 2)", {}, "has 2 arguments, but exp takes one argument"),
        ("max()", {}, "has 0 arguments, but max takes at least one argument"),
        ("max(*x)", {"x": 1}, "unpacks its arguments"),
        ("max(a=1)", {}, "names or unpacks"),
        ("(x+y)z", {}, "cannot be read at position 6, 'z'"),
        ("2x", {}, "cannot be read at position 1"),
        ("1 + (2", {}, "cannot be read at position 5"),
        ("1 +", {}, "cannot be read at its end"),
        ("", {}, "is empty"),
        ("1 + 7 % 2", {}, "'7 % 2' at position 5 uses %"),
        ("1 + x.real", {}, "'x.real' at position 5 is an attribute"),
        ("x < 1", {}, "is a comparison"),
        ("x[0]", {}, "is an index"),
        ("1,5 * 2", {}, "is a list"),
        ("(lambda: 1)()", {}, "not arithmetic"),
        ("[1]", {}, "is a list"),
        ("'text'", {}, "is no number"),
        ("True", {}, "is no number"),
        ("1 + ...", {}, "'...' at position 5 is no number"),
        ("2j", {}, "is a complex number"),
        ("~1", {}, "not arithmetic"),
        ("\u00e9\u00e9 + 1 < 2", {}, "at position 1 is a comparison"),
        ("\u00e9 + (\u00e9 < 2)", {}, "at position 6 is a comparison"),
        ("__import__('os').getcwd()", {}, "not arithmetic"),
        ("sqrt(-4)", {}, "sqrt\\(-4\\) is not a real number"),
        ("log(-1)", {}, "log\\(-1\\) is not a real number"),
        ("(-8) ** (1 / 3)", {}, "\\(-8\\) \\*\\* 0.3333 is not a real number"),
        ("\0", {}, "cannot be read"),
        ("(" * 300 + "1" + ")" * 300, {}, "cannot be read"),
        ("x+" * 60_000 + "x", {"x": 1}, "has 120,001 characters"),
    ],
)
def test_what_cannot_be_worked_out_is_one_sentence(expression, values, sentence):
    with pytest.raises(GlassworkError, match=sentence) as caught:
        evaluate(expression, **values)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@given(st.text(max_size=30) | st.text(alphabet="xy01.+-*/()% ,=", max_size=20))
@example("\ud800")
@example("x" * 200 + " @")
def test_any_text_is_a_number_or_one_sentence(text):
    try:
        assert isinstance(evaluate(text), float)
    except GlassworkError as error:
        assert "\n" not in str(error)


def test_long_sums_and_long_chains_are_no_trouble():
    assert evaluate("+".join(["x"] * 900), x=1) == 900
    assert evaluate("-" * 400 + "x", x=1) == 1


def test_values_are_read_as_they_are_typed():
    assert read_values(["x=-2", "y = 5e-1", "z=inf"]) == {"x": -2.0, "y": 0.5, "z": INF}
    assert read_values([]) == {}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["x"], "'x' is not of the form NAME=NUMBER"),
        (["=3"], "not of the form"),
        (["2x=3"], "not of the form"),
        (["x=a"], "The value of 'x' must be a number"),
        (["x=1", "x=2"], "given twice"),
    ],
)
def test_values_typed_wrongly_are_one_sentence(words, sentence):
    with pytest.raises(GlassworkError, match=sentence):
        read_values(words)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.0, "3"),
        (-12.0, "-12"),
        (0.0, "0"),
        (0.7310585786, "0.7311"),
        (12345.678, "12345.7"),
        (1234567.0, "1.23457e+06"),
        (1.5e-7, "1.5e-07"),
        (INF, "inf"),
        (NAN, "nan"),
    ],
)
def test_numbers_are_written_for_people(value, text):
    assert write_number(value) == text
    assert write_number(value, inside=True) == (f"({text})" if value < 0 else text)


def test_a_power_may_be_written_as_on_paper() -> None:
    assert parse("x^2 + y^-1") == parse("x**2 + y**-1")
