"""How far single rows move the coefficients."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, overlapping, texts_outside, words
from simulated import simulate
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError

FORMULA = "Surv(time, event) ~ x + z"


@pytest.fixture
def data() -> pd.DataFrame:
    """Make a cohort in which row 17 lives long in spite of a large x."""
    data = simulate(1)
    data.loc[17, ["time", "x", "event"]] = [data["time"].max(), 5.0, False]
    return data


def test_the_row_that_moves_a_coefficient_is_found(data):
    fit = fs.cox(FORMULA, data)
    found = fit.influence(data)
    assert found.rows("x")[0] == 17
    change = fit.residuals(data, "dfbetas")
    assert found.largest[0] == pytest.approx(change["x"].abs().max(), rel=1e-10)
    assert found.delta_log_hr[0] < 0
    assert found.threshold == pytest.approx(2 / np.sqrt(fit.n))
    assert found.n_beyond.tolist() == (change.abs() > found.threshold).sum().tolist()


def test_positions_count_rows_left_out(data):
    data.loc[:4, "z"] = np.nan
    assert fs.cox(FORMULA, data).influence(data).rows("x")[0] == 17


def test_clusters_stand_for_their_rows(data):
    data["pair"] = np.arange(len(data)) // 2
    fit = fs.cox(FORMULA, data, cluster="pair")
    found = fit.influence(data)
    change = fit.residuals(data, "dfbetas", collapse="pair")
    np.testing.assert_allclose(found.largest, change.abs().max(), rtol=1e-10)
    assert found.rows("x")[0] == 16
    assert found.threshold == pytest.approx(2 / np.sqrt(fit.n_clusters))
    assert "clusters beyond 2 / sqrt(60)" in found.tidy()["note"].iloc[2]
    assert str(found).startswith("Influence of single clusters")


def test_tables_have_three_rows_per_term_and_no_positions(data):
    data["twin"] = 2 * data["x"]
    found = fs.cox("Surv(time, event) ~ x + twin + z", data).influence(data)
    table = check_table(found.tidy())
    assert table["term"].tolist() == ["x"] * 3 + ["twin"] * 3 + ["z"] * 3
    assert table.loc[table["term"] == "twin", "estimate"].isna().all()
    assert set(table.loc[table["term"] == "twin", "note"]) == {"aliased"}
    assert check_glance(found.glance())["n"].item() == len(data)
    assert "twin: aliased" in str(found)


def test_the_figure_names_every_term_with_an_estimate(data):
    name = "a rather long name of a covariate, with a comma and much more behind it"
    data[name] = data["x"]
    fit = fs.cox(f"Surv(time, event) ~ `{name}` + z", data)
    with drawn(fit.influence(data).plot()) as figure:
        assert "Largest change by one row, in standard errors" in words(figure)
        assert "z" in words(figure)
        assert not texts_outside(figure)
        assert not overlapping(figure)


def test_wrong_terms_and_models_are_refused(data):
    found = fs.cox(FORMULA, data).influence(data)
    with pytest.raises(DataError, match="There is no term `y`; the terms are `x`, `z`"):
        found.rows("y")
    with pytest.raises(DataError, match="has no coefficient that rows could move"):
        fs.cox("Surv(time, event) ~ 1", data).influence(data)
    with pytest.raises(DataError, match="dfbeta residuals are not available"):
        fs.cox(FORMULA, data, ties="exact").influence(data)
    with pytest.raises(DataError, match="`data` are not those of the fit"):
        fs.cox(FORMULA, data).influence(data.iloc[:50])
