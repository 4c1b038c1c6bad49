from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from fahrstats.display.journal_sources import COMMON_RULES
from fahrstats.display.journal_styles import (
    ANNALS,
    DEFAULT,
    JAMA,
    LANCET,
    NEJM,
    STYLES,
    JournalStyle,
    journal_style,
)
from fahrstats.errors import DataError

# Machado, Oliveira and Fernandes (2009), IEEE TVCG 15:1291: severity 1, linear RGB
PROTANOPIA = [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
]
DEUTERANOPIA = [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.011820, 0.042940, 0.968881],
]
LEAST_DISTANCE = 10  # CIEDE2000; about 2 is just noticeable side by side
LEAST_CONTRAST = 2.0  # of a line on white, as the ratio that WCAG defines
WORDS = {"name", "journal", "rules", "infinite", "missing"}

every_style = pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)


def linear(colour):
    """Linear RGB of ``#RRGGBB``, shape (3,), from 0 to 1."""
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    """CIELAB coordinates of linear RGB."""
    rgb = np.clip(rgb, 0, 1)
    return rgb2lab(
        np.where(rgb <= 0.0031308, 12.92 * rgb, 1.055 * rgb ** (1 / 2.4) - 0.055)
    )


def test_styles_are_found_by_name():
    assert list(STYLES) == ["default", "annals", "jama", "lancet", "nejm"]
    styles = (DEFAULT, ANNALS, JAMA, LANCET, NEJM)
    assert all(journal_style(style.name) is style for style in styles)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("lancett", " Did you mean `lancet`?"), ("JAMA", ""), ("", "")],
)
def test_an_unknown_name_lists_the_known_on_one_line(name, hint):
    with pytest.raises(DataError) as caught:
        journal_style(name)
    assert str(caught.value) == (
        f"There is no journal style `{name}`; the known ones are `default`, `annals`, "
        f"`jama`, `lancet`, `nejm`.{hint}"
    )


@every_style
def test_every_field_of_a_style_has_one_source(style):
    sourced = sorted(field for rule in style.rules for field in rule.fields)
    fields = {field.name for field in dataclasses.fields(JournalStyle)} - WORDS
    assert sourced == sorted(fields)


@every_style
def test_sources_say_what_and_where(style):
    for rule in (*style.rules, *COMMON_RULES):
        assert rule.says.endswith(".")
        assert rule.guide.title
        assert rule.guide.edition
        is_read = rule.guide.strength in ("first-hand", "quoted")
        assert bool(rule.guide.where) or not is_read


def test_what_a_journal_did_not_state_is_as_in_the_default_style():
    for style in STYLES.values():
        for rule in style.rules:
            if rule.guide.strength == "own choice" and "mm" not in rule.fields[0]:
                for field in rule.fields:
                    assert getattr(style, field) == getattr(DEFAULT, field), field


@every_style
def test_bands_of_p_values_rise_to_one(style):
    bounds = [bound for bound, _ in style.p_bands]
    assert bounds == sorted(set(bounds))
    assert bounds[-1] == 1
    assert 0 < style.p_floor < style.p_ceiling < 1
    # a p value at the floor is not printed as zero
    assert 10.0 ** -style.p_bands[0][1] <= style.p_floor


@every_style
@pytest.mark.parametrize("n", range(1, 7))
@pytest.mark.parametrize(
    "seen_by", [np.eye(3), PROTANOPIA, DEUTERANOPIA], ids=["all", "protan", "deutan"]
)
def test_colours_are_told_apart_by_colour_blind_readers(style, n, seen_by):
    palette = style.palettes[n - 1]
    assert len(palette) == n
    seen = [lab(np.array(seen_by) @ linear(colour)) for colour in palette]
    for one, other in itertools.combinations(seen, 2):
        assert deltaE_ciede2000(one, other) > LEAST_DISTANCE


def test_red_and_green_of_one_lightness_are_not_told_apart():
    """The measure finds what it is meant to find."""
    seen = [lab(np.array(DEUTERANOPIA) @ linear(c)) for c in ("#B24745", "#6C7A1E")]
    assert deltaE_ciede2000(*seen) < LEAST_DISTANCE


@every_style
def test_lines_stand_out_from_the_page(style):
    for palette in style.palettes:
        for colour in palette:
            luminance = linear(colour) @ (0.2126, 0.7152, 0.0722)
            assert 1.05 / (luminance + 0.05) > LEAST_CONTRAST


@every_style
def test_figures_fit_a_page(style):
    assert 50 < style.column_mm < style.page_mm <= 190
