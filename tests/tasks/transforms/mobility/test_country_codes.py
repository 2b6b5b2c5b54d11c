from babel import Locale
from babel.core import get_global

from tasks.transforms.mobility.country_codes import ALPHA2_OF_ALPHA3

# What CLDR lists besides the 249 official codes: exceptional reservations, groups of countries, test locales, Kosovo.
NOT_OFFICIAL = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "XK", "ZZ"}


def test_every_official_country_has_its_code_and_no_other():
    territories = {code for code in Locale("en").territories if len(code) == 2 and code.isalpha()}
    assert set(ALPHA2_OF_ALPHA3.values()) - {"XK"} == territories - NOT_OFFICIAL
    assert len(ALPHA2_OF_ALPHA3) == 249 + 2


def test_codes_agree_with_cldr():
    aliases = get_global("territory_aliases")
    assert [three for three, two in ALPHA2_OF_ALPHA3.items() if two != "XK" and aliases[three] != [two]] == []


def test_namibia_is_na_and_kosovo_is_known_under_both_of_its_codes():
    assert (ALPHA2_OF_ALPHA3["NAM"], ALPHA2_OF_ALPHA3["RKS"], ALPHA2_OF_ALPHA3["XKX"]) == ("NA", "XK", "XK")
