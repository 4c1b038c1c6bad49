from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import fahrstats as fs
from fahrstats.errors import DataError
from fahrstats.face.training.frozen.embedded_faces import check_faces
from fahrstats.face.training.frozen.rank_check import check_ranks


@pytest.mark.parametrize("stratum", [None, np.arange(80) % 3])
def test_it_is_the_concordance_of_the_package(stratum):
    rng = np.random.default_rng(1)
    data = pd.DataFrame(
        {
            "time": rng.exponential(size=80).round(1) + 0.1,
            "event": rng.random(80) < 0.6,
            "score": rng.normal(size=80).round(1),
        }
    )
    strata = {} if stratum is None else {"strata": "stratum"}
    row = fs.concordance(
        "Surv(time, event) ~ score", data.assign(stratum=stratum), **strata
    ).tidy()
    people = check_faces(
        data[["score"]], data["time"], data["event"], subject=None, stratum=stratum
    )
    found = check_ranks(people, data["score"].to_numpy())
    assert found.c_index == pytest.approx(row["estimate"].item(), rel=1e-12)
    assert found.std_error == pytest.approx(row["std_error"].item(), rel=1e-12)
    limits = row[["conf_low", "conf_high"]].to_numpy()[0]
    np.testing.assert_allclose(found.interval, limits, rtol=1e-12)


def test_events_at_one_time_rank_nobody():
    people = check_faces(
        np.eye(4), [1, 2, 2, 2], [0, 1, 1, 1], subject=None, stratum=None
    )
    with pytest.raises(DataError, match="Of no two subjects is it known who had"):
        check_ranks(people, np.arange(4.0))
