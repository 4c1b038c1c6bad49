from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fahrstats.datasets.folder import DATA_VARIABLE
from fahrstats.errors import DataError
from fahrstats.files import file_sha256
from fahrstats.study.analyse import analyse_study
from fahrstats.study.checks import check_study, read_cohort
from fahrstats.study.people_tables import characteristics
from fahrstats.study.results_in import check_results
from fahrstats.study.study_file import parse_study
from fahrstats.study.tables_in import joint_sha256, load, read_table, text_sha256

TABLE = pd.DataFrame({"id": [1, 2], "age": [60.5, None]})


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """Work in a folder that has no data folder beside it."""
    folder = tmp_path / "somewhere" / "work"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.delenv(DATA_VARIABLE, raising=False)


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.tsv", "t.parquet", "T.CSV"])
def test_tables_are_read_by_their_extension(tmp_path, name):
    path = tmp_path / name
    if name.endswith("parquet"):
        TABLE.to_parquet(path)
    else:
        TABLE.to_csv(path, index=False, sep="\t" if name.endswith("tsv") else ",")
    source = read_table(name, tmp_path)
    pd.testing.assert_frame_equal(source.data, TABLE)
    assert source.file == name
    assert source.sha256 == file_sha256(path)


def test_a_table_is_found_beside_the_study_before_the_data_folder(tmp_path):
    beside, data = tmp_path / "study", tmp_path / "data"
    for folder, age in ((beside, 1), (data, 2)):
        folder.mkdir()
        pd.DataFrame({"age": [age]}).to_csv(folder / "t.csv", index=False)
    assert read_table("t.csv", beside, data).data["age"].item() == 1
    (beside / "t.csv").unlink()
    assert read_table("t.csv", beside, data).data["age"].item() == 2


def test_an_absent_table_says_where_it_was_looked_for_and_where_it_comes_from(
    tmp_path,
):
    with pytest.raises(DataError) as error:
        read_table("nhanes.parquet", tmp_path, source="NHANES 1999-2017")
    assert str(error.value) == (
        "`nhanes.parquet` is not beside the study file, and no data folder is given "
        "(`--data-dir` or FAHRSTATS_DATA). Where it comes from: NHANES 1999-2017"
    )
    with pytest.raises(DataError, match="not in the data folder"):
        read_table("nhanes.parquet", tmp_path, tmp_path)


def test_data_sets_of_packages_hold_outcome_and_covariates(tmp_path):
    flchain = read_table("sksurv:flchain", tmp_path)
    assert (len(flchain.data), int(flchain.data["death"].sum())) == (7874, 2169)
    assert {"kappa", "lambda", "age", "sex", "futime"} <= set(flchain.data.columns)
    again = read_table("sksurv:flchain", tmp_path)
    assert again.sha256 == flchain.sha256
    assert len(read_table("lifelines:rossi", tmp_path).data) == 432
    with pytest.raises(DataError, match=r"no data set `flchian`\. Did you mean `flch"):
        read_table("sksurv:flchian", tmp_path)


def linked_study(write_study, people, scores, extra=""):
    path = write_study(
        table=people.drop(columns="faceage"),
        **{
            'table = "cohort.csv"': "[table]\nfile = 'cohort.csv'\nid = 'patient'\n"
            f"scores = 'scores.csv'\n{extra}"
        },
    )
    scores.to_csv(path.parent / "scores.csv", index=False)
    return parse_study(path)[0]


def test_scores_are_joined_to_the_clinical_table(write_study, people):
    scores = people[["patient", "faceage"]].sample(frac=1, random_state=1)
    source = load(linked_study(write_study, people, scores))
    assert list(source.data["faceage"]) == list(people["faceage"])
    assert source.enters.all()
    assert source.file == "cohort.csv + scores.csv"


def test_unmatched_scores_are_refused_unless_the_study_allows_them(write_study, people):
    scores = people[["patient", "faceage"]].head(150)
    study = linked_study(write_study, people, scores)
    with pytest.raises(DataError, match="50 of 200 in the clinical table have no"):
        load(study)
    study = linked_study(write_study, people, scores, "allow_unmatched = true")
    assert load(study).enters.sum() == 150


def left_out_study(write_study, people, reasons):
    path = write_study(
        table=people.assign(why=reasons),
        **{'table = "cohort.csv"': 'table = { file = "cohort.csv", left_out = "why" }'},
    )
    study, problems = parse_study(path)
    assert problems == []
    return study


def test_rows_with_a_reason_do_not_enter_and_are_counted_by_reason(write_study, people):
    reasons = ["too young"] * 3 + ["moved "] * 2 + [None] * 194 + ["too young"]
    study = left_out_study(write_study, people, reasons)
    source = load(study)
    assert source.enters.sum() == 194
    assert [(out.reason, out.rows.sum()) for out in source.left_out] == [
        ("too young", 4),
        ("moved", 2),
    ]
    flow = read_cohort(study.path).flow
    assert flow["n"].tolist() == [200, 196, 194]
    taken = people["dead"].to_numpy()[[0, 1, 2, 199]].sum()
    assert flow["n_removed_events"].tolist()[1] == taken


def test_what_is_left_out_takes_no_part_in_standard_deviations(write_study, people):
    people.loc[:4, "faceage"] = 120.0
    study = left_out_study(write_study, people, ["odd"] * 5 + [""] * 195)
    text = study.path.read_text().replace("per = 10\n\n[cov", 'per = "sd"\n\n[cov')
    study.path.write_text(text)
    spread = read_cohort(study.path).deviations["faceage"]["overall"]
    assert spread == pytest.approx(people["faceage"][5:].std(), rel=1e-12)


def test_a_study_that_nobody_enters_is_refused(write_study, people):
    study = left_out_study(write_study, people, ["closed"] * 200)
    with pytest.raises(DataError, match=r"No row of `cohort\.csv` enters .*: closed\."):
        load(study)


def test_the_column_of_reasons_must_be_there(write_study, people):
    study = left_out_study(write_study, people, [""] * 200)
    study.path.write_text(study.path.read_text().replace('"why"', '"wy"'))
    (problem,) = check_study(study.path).problems
    assert problem == (
        "[table]: `left_out` is `wy`, which is no column of the table. Did you mean "
        "`why`?"
    )


def test_a_script_prepares_the_table_and_a_change_of_it_is_noticed(
    write_study, people, tmp_path
):
    path = write_study(
        table=people.rename(columns={"dead": "fate"}),
        **{'table = "cohort.csv"': 'table = "cohort.csv"\nprepare = "prepare.py"'},
    )
    (problem,) = check_study(path).problems
    assert problem == "The script `prepare.py` is not beside the study file."
    script = path.with_name("prepare.py")
    script.write_text(
        "def prepare(table):\n    return table.assign(dead=table['fate'])\n"
    )
    results = analyse_study(path, out=tmp_path / "results")
    check_results(path, results)
    script.write_text(script.read_text() + "# changed\n")
    with pytest.raises(DataError, match=r"`prepare\.py`, the script of the study, has"):
        check_results(path, results)
    script.write_text("def prepare(table):\n    return table['fate']\n")
    (problem,) = check_study(path).problems
    assert problem.startswith("`prepare` of `prepare.py` returned Series")


def test_what_is_described_stands_in_table_one_and_in_no_model(write_study, people):
    people["height"] = np.where(people.index < 20, np.nan, 170.0 + people.index % 7)
    text = 'table = "cohort.csv"\ndescribe.height = { label = "Height", unit = "cm" }'
    path = write_study(table=people, **{'table = "cohort.csv"': text})
    cohort = read_cohort(path)
    assert len(cohort.data) == 200
    table = characteristics(cohort)
    rows = table[(table["variable"] == "height") & (table["group"] == "overall")]
    assert set(rows["n_missing"]) == {20}
    assert "height" not in cohort.study.adjusted("faceage")


def test_one_hash_for_several_depends_on_each_and_on_their_order():
    first, second, third = (text_sha256(text) for text in "abc")
    assert joint_sha256([first]) == first
    assert joint_sha256([first, second, third]) == text_sha256(
        text_sha256(first + second) + third
    )
    assert joint_sha256([first, second]) != joint_sha256([second, first])
