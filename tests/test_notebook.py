"""In a notebook a finding is shown as its page."""

from IPython.core.interactiveshell import InteractiveShell


def test_findings_are_shown_as_pages() -> None:
    shell = InteractiveShell.instance()
    try:
        shell.run_cell("import glasswork as gw; g = gw.graph('x*y', x=2, y=3); c = gw.count('8x8x1 fc3')").raise_error()
        for name in ("g", "c"):
            shown, _ = shell.display_formatter.format(shell.user_ns[name])
            assert shown["text/html"].startswith("<iframe srcdoc=")
        assert "x*y" in shell.display_formatter.format(shell.user_ns["g"])[0]["text/html"]
    finally:
        InteractiveShell.clear_instance()
