from __future__ import annotations

import pytest

from fahrstats.study.publication.texts import without_counts

CHANGED = {
    "too few events (3 < 10)": "too few events",
    "reference, with few events (3 < 10): fragile": "reference, with few events",
    "fragile: 12 events": "fragile",
    "too few people: 1 to 19": "too few people",
    "too few: 1 to 2 people, 0 to 9 events": "too few",
    "infinite: monotone likelihood; fragile: 1 events": "infinite: monotone "
    "likelihood; fragile",
    "analysed rows of sksurv:flchain, n = 6524": "analysed rows of sksurv:flchain",
    "ages of everyone in 40-49, 80+: 98% of photos; limits from 12 draws": "ages of "
    "everyone in 40-49, 80+; limits from fewer draws",
    "`Q2`: follow-up ends at 9.08333": "`Q2`: follow-up ends before",
    "14 events for 3 coefficients (`Surv(time, event) ~ rcs(x, 4)`): use fewer": "few "
    "events a coefficient (`Surv(time, event) ~ rcs(x, 4)`): use fewer",
    "17 rows": "",
    "no value in 14 of 100 draws": "no value in some draws",
    "ages of everyone in 30-39; limits from 865 draws": "ages of everyone in 30-39; "
    "limits from fewer draws",
    "a made-up note about 17 people": "",
}
KEPT = (
    "",
    "likelihood-ratio test; Q 15.10 on 2 df of the models fitted within levels; one of "
    "25 tests",
    "not estimated: fewer than 20 events by 10 years",
    "left out: `sex` has one level, Men",
    "agrees to every printed decimal (BioAge README, Table 1)",
    "it is no evidence of added value on its own (Hilden and Gerds 2014; Pepe et al. "
    "2015).",
)


@pytest.mark.parametrize(("note", "told"), CHANGED.items())
def test_a_note_is_told_up_to_its_first_number_of_people(note, told):
    assert without_counts(note) == told


@pytest.mark.parametrize("note", KEPT)
def test_numbers_that_count_nobody_stay(note):
    assert without_counts(note) == note
