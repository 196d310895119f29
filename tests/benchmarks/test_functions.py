"""C functions found in a text, and whether their brackets balance."""

import pytest
from functions import balanced, functions

TEXT = """#include <a.h>

static int one(int a,
		char *b)
{
	if (a) {
		return b[a];
	}
	return '{';
}

struct some {
	int a;
};

int declared(void);

void two(void)
{
	/* not closed: ( */
	call("}");
}

int broken_off(void)
{
	return 0;
"""


def test_functions_are_found() -> None:
    found = functions(TEXT)
    assert [code.split("(")[0] for code in found] == ["static int one", "void two"]
    assert all(code.endswith("}") for code in found)
    assert all(map(balanced, found))


@pytest.mark.parametrize(
    ("code", "whole"),
    [("{ ( [ ] ) }", True), ("{ ( [ ) ] }", False), ("{ ( }", False), ("{ } }", False), ("{ '(' \"[\" // {\n }", True)],
)
def test_brackets(code: str, whole: bool) -> None:
    assert balanced(code) == whole
