from gatepost.engine.rulebook import PURSE_S, SPENT_S, Purse


def test_what_many_texts_take_together_is_bounded() -> None:
    purse = Purse()
    for _ in range(100):
        assert purse.has_more(100.0)
        purse.spend(SPENT_S / 100)
    assert not purse.has_more(100.0)
    assert not purse.has_more(100.0 + PURSE_S / 2)
    assert purse.has_more(100.0 + PURSE_S)
