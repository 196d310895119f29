from glasswork.run.choose import choose_request


def test_a_preset_that_is_named_is_taken() -> None:
    assert choose_request("linear", {"data": "anything"}).preset == "linear"
