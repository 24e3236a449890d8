from hypothesis import given
from hypothesis.strategies import text

from app.dev.simulator import pieces


@given(text())
def test_pieces_add_up(words: str) -> None:
    assert "".join(pieces(words)) == words
    assert all(1 <= len(piece) <= 7 or set(piece) == {"\n"} for piece in pieces(words))
