from explorer.tui.styling import end_cut, middle_cut, start_cut


def test_cuts() -> None:
    assert middle_cut("vit_base_patch16_224", 11) == "vit_bas…224"
    assert end_cut("abcdef", 4) == "abc…"
    assert start_cut("abcdef", 4) == "…def"
    for cut in (middle_cut, end_cut, start_cut):
        assert cut("abc", 3) == "abc"
        assert [len(cut("abcdef", width)) for width in range(6)] == list(range(6))
