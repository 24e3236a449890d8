from app.dev.simulator.answer.thoughts import signature


def test_a_signature_is_of_exactly_its_text() -> None:
    assert signature("a thought") == signature("a thought")
    assert signature("a thought") != signature("a thought.")
    assert signature("\ud800")
