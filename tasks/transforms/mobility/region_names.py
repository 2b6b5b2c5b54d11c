"""First-level parts of countries that go by several names: Google's own renames, and the policy tracker's spellings."""

from __future__ import annotations

from collections.abc import Mapping

# Renamed between the world files of 2020-05 and 2021-06, the former without any code. Each pair has the same workplaces
# and retail values on all 97 common days; of no other pair of the country more than 7 days agree.
PRESENT_NAME: Mapping[tuple[str, str], str] = {
    ("CZ", "Vysocina Region"): "Vysočina Region",
    ("CZ", "Zlin Region"): "Zlín Region",
    ("DE", "Hesse"): "Hessen",
    ("DO", "La Altagracia"): "La Altagracia Province",
    ("DO", "Monseñor Nouel"): "Monseñor Nouel Province",
    ("EC", "Bolívar Province"): "Bolivar",
    ("EC", "Carchi Province"): "Carchi",
    ("EC", "Cañar Province"): "Cañar",
    ("EC", "Chimborazo Province"): "Chimborazo",
    ("EC", "Cotopaxi Province"): "Cotopaxi",
    ("EC", "Esmeraldas Province"): "Esmeraldas",
    ("EC", "Imbabura Province"): "Imbabura",
    ("EC", "Los Ríos Province"): "Los Rios",
    ("EC", "Manabí Province"): "Manabí",
    ("EC", "Morona-Santiago Province"): "Morona-Santiago",
    ("EC", "Orellana Province"): "Orellana",
    ("EC", "Pastaza Province"): "Pastaza",
    ("EC", "Provincia de Napo"): "Napo",
    ("EC", "Santa Elena Province"): "Santa Elena",
    ("EC", "Santo Domingo de los Tsáchilas Province"): "Santo Domingo de los Tsachilas",
    ("EC", "Sucumbíos Province"): "Sucumbios",
    ("EC", "Zamora-Chinchipe Province"): "Zamora Chinchipe",
    ("GT", "Escuintla"): "Escuintla Department",
    ("GT", "Suchitepequez"): "Suchitepéquez Department",
    ("NZ", "Bay Of Plenty"): "Bay of Plenty",
    ("PH", "Metro Manila"): "National Capital Region",
    ("VN", "Hai Phong"): "Haiphong",
}
"""Country code and former name to the present name."""

# Where the tracker's name differs from Google's by more than accents, measured on both providers' files of 2020 and
# 2023 (of Brazil all 27). India's two merged territories and the United Kingdom's four countries have no counterpart at
# Google.
GOOGLE_NAME_OF_CODE: Mapping[str, str] = {
    "US_DC": "District of Columbia",
    "BR_DF": "Federal District",
    "BR_AC": "State of Acre",
    "BR_AL": "State of Alagoas",
    "BR_AM": "State of Amazonas",
    "BR_AP": "State of Amapá",
    "BR_BA": "State of Bahia",
    "BR_CE": "State of Ceará",
    "BR_ES": "State of Espírito Santo",
    "BR_GO": "State of Goiás",
    "BR_MA": "State of Maranhão",
    "BR_MG": "State of Minas Gerais",
    "BR_MS": "State of Mato Grosso do Sul",
    "BR_MT": "State of Mato Grosso",
    "BR_PA": "State of Pará",
    "BR_PB": "State of Paraíba",
    "BR_PE": "State of Pernambuco",
    "BR_PI": "State of Piauí",
    "BR_PR": "State of Paraná",
    "BR_RJ": "State of Rio de Janeiro",
    "BR_RN": "State of Rio Grande do Norte",
    "BR_RO": "State of Rondônia",
    "BR_RR": "State of Roraima",
    "BR_RS": "State of Rio Grande do Sul",
    "BR_SC": "State of Santa Catarina",
    "BR_SE": "State of Sergipe",
    "BR_SP": "State of São Paulo",
    "BR_TO": "State of Tocantins",
}
"""The tracker's code of a state to Google's name."""
