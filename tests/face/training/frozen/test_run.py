from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from embedding_files import draw_cohort, write_embeddings
from portraits import draw_portraits, small_checkpoint, table_of_faces

import fahrstats as fs
from fahrstats.cohort.store import read_provenance
from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card_page import card_page
from fahrstats.face.checkpoints.store import load_checkpoint
from fahrstats.face.pictures.sources import open_source
from fahrstats.face.score_columns import in_score_order
from fahrstats.face.scoring.embed import read_embeddings
from fahrstats.face.scoring.plan import Plan
from fahrstats.face.scoring.score import as_frame
from fahrstats.face.scoring.workbench import open_workbench
from fahrstats.face.training.frozen.cross_fit import cross_fit
from fahrstats.face.training.frozen.heads import fit_frozen_head
from fahrstats.face.training.frozen.run import train_frozen
from fahrstats.study.study_file import parse_study
from fahrstats.study.tables_in import load


def write(folder, vectors, labels, *, frozen="", output="", **columns):
    """Write embeddings, labels and a configuration; return its path."""
    write_embeddings(folder / "embeddings.parquet", vectors, **columns)
    labels.to_csv(folder / "labels.csv", index=False)
    return configure(folder, frozen=frozen, output=output)


def configure(folder, *, frozen="", output=""):
    path = folder / "train.toml"
    path.write_text(
        f"""
        [data]
        embeddings = "embeddings.parquet"
        labels = "labels.csv"
        [frozen]
        {frozen}
        [output]
        scores = "facesurvival.parquet"
        {output}
        """
    )
    return path


def test_on_noise_out_of_fold_scores_rank_nobody_and_in_sample_ones_do(tmp_path):
    run = train_frozen(write(tmp_path, *draw_cohort(400, 64)))
    low, high = run.out_of_fold.interval
    assert low < 0.5 < high
    assert run.in_sample.interval[0] > 0.5
    assert (run.n_photos, run.n_subjects) == (400, 400)


def test_a_signal_is_found_and_written_where_a_study_reads_it(tmp_path):
    vectors, labels = draw_cohort(300, 16, slope=1.0)
    run = train_frozen(write(tmp_path, vectors, labels))
    assert run.out_of_fold.interval[0] > 0.6
    (tmp_path / "study.toml").write_text(
        """
        [table]
        file = "labels.csv"
        scores = "facesurvival.parquet"
        id = "photo"
        [outcome]
        time = "time"
        unit = "years"
        event = "event"
        [scores.facesurvival]
        """
    )
    study, problems = parse_study(tmp_path / "study.toml")
    assert study is not None, problems
    data = load(study).data
    row = fs.concordance("Surv(time, event) ~ facesurvival", data).tidy().iloc[0]
    assert row["estimate"] == pytest.approx(run.out_of_fold.c_index, abs=1e-12)
    assert row["std_error"] == pytest.approx(run.out_of_fold.std_error, abs=1e-12)


def test_scores_are_those_of_cross_fitting(tmp_path):
    vectors, labels = draw_cohort(60, 5, slope=1.0)
    config = write(
        tmp_path, vectors, labels, frozen="folds = 3\nseed = 9\npenalties = [2, 20]"
    )
    run = train_frozen(config)
    table = pd.read_parquet(run.scores)
    fitted = cross_fit(
        vectors,
        labels["time"],
        labels["event"],
        subject=labels["photo"],
        k=3,
        penalties=[2, 20],
        seed=9,
    )
    assert list(table) == ["photo", "facesurvival", "log_hazard", "fold"]
    assert table["photo"].tolist() == labels["photo"].tolist()
    np.testing.assert_array_equal(table["facesurvival"], fitted.score)
    np.testing.assert_array_equal(table["log_hazard"], fitted.log_hazard)
    np.testing.assert_array_equal(table["fold"], fitted.fold)
    assert run.fold_penalties == tuple(head.penalty for head in fitted.heads)


def test_one_row_a_subject_holds_the_means_of_its_photos(tmp_path):
    vectors, labels = draw_cohort(60, 5, slope=1.0)
    subject = np.array([f"s{i // 2:02d}" for i in range(60)])
    content = [*range(59), 58]  # the last photo is a copy
    labels = labels.iloc[::2].assign(subject=subject[::2]).drop(columns="photo")
    about = {"subject": subject, "content": list(map(str, content))}
    config = write(tmp_path, vectors, labels, **about)
    train_frozen(config)
    photos = pd.read_parquet(tmp_path / "facesurvival.parquet")
    assert len(photos) == 60
    assert photos["facesurvival"].iloc[58] == photos["facesurvival"].iloc[59]
    run = train_frozen(configure(tmp_path, output='per = "subject"'))
    people = pd.read_parquet(run.scores)
    assert (
        list(people)
        == in_score_order(people)
        == [
            "subject",
            "facesurvival",
            "log_hazard",
            "fold",
            "n_photos",
        ]
    )
    assert people["n_photos"].tolist() == [2] * 29 + [1]
    expected = photos.iloc[:59].groupby("subject")["facesurvival"].mean()
    np.testing.assert_allclose(people["facesurvival"], expected, rtol=1e-12)
    assert (run.n_photos, run.n_subjects) == (60, 30)


def test_a_subject_with_a_thousand_photos_counts_once(tmp_path):
    vectors, labels = draw_cohort(200, 4, slope=1.0)
    subject = np.concatenate([np.arange(200), np.zeros(1000, int)])
    noise = np.random.default_rng(3).normal(size=(1200, 4))
    labels = labels.assign(subject=labels.index).drop(columns="photo")
    run = train_frozen(
        write(tmp_path, vectors[subject] + noise, labels, subject=subject.astype(str))
    )
    table = pd.read_parquet(run.scores)
    assert (run.n_photos, run.n_subjects) == (1200, 200)
    assert table.loc[table["subject"] == "0", "fold"].nunique() == 1
    assert np.ptp(table.groupby("fold")["subject"].nunique()) <= 1
    assert run.out_of_fold.interval[0] > 0.5


def test_the_same_files_give_the_same_bytes_over_an_older_table(tmp_path):
    config = write(tmp_path, *draw_cohort(60, 5))
    steps = []
    run = train_frozen(config, lambda *step: steps.append(step))
    once = run.scores.read_bytes()
    assert train_frozen(config).scores.read_bytes() == once
    assert [step[1:] for step in steps] == [(i, 4) for i in range(4)]
    told = read_provenance(run.scores)
    assert told is not None
    assert told["checkpoint"] == "small-age@0123456789ab"
    assert told["c_index"] == run.out_of_fold.c_index


def test_nothing_else_is_written_over(tmp_path):
    config = write(tmp_path, *draw_cohort(60, 5))
    text = config.read_text().replace("facesurvival.parquet", "embeddings.parquet")
    config.write_text(text)
    with pytest.raises(DataError, match="exists and is not a table of cross-fitted"):
        train_frozen(config)
    assert len(pq.read_table(tmp_path / "embeddings.parquet")) == 60


def test_the_summary_says_which_number_is_optimistic(tmp_path):
    run = train_frozen(write(tmp_path, *draw_cohort(60, 5), frozen="penalties = 5"))
    text = str(run)
    assert f"60 photos of 60 subjects, {run.n_events} events" in text
    assert "Left out: 0 photos without a label, 0 without follow-up" in text
    assert "Penalty 5; of the 5 folds 5, 5, 5, 5, 5" in text
    low, _ = run.out_of_fold.interval
    assert f"C out of fold  {run.out_of_fold.c_index:.4f}  95% CI {low:.4f} to" in text
    assert f"C in sample    {run.in_sample.c_index:.4f}  optimistic" in text
    assert "Checkpoint" not in text


@pytest.mark.parametrize(
    ("changes", "settings", "message"),
    [
        ({"event": 0}, {}, "`event` marks no event in the 32 subjects outside fold 0"),
        (
            {"event": [1, *[0] * 39]},
            {},
            "`event` marks no event in the 32 subjects outside fold 0",
        ),
        (
            {"subject": ["a", "b"] * 20, "time": 1.0, "event": 1},
            {},
            "names 2 subjects, too few for 5 folds",
        ),
        ({"subject": ["a", "b"] * 20}, {}, "differs between the photos of 2 of 2"),
        ({}, {"output": 'per = "subject"'}, "neither table says whom photos show"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(tmp_path, changes, settings, message):
    vectors, labels = draw_cohort(40, 3)
    config = write(tmp_path, vectors, labels.assign(**changes), **settings)
    with pytest.raises(DataError, match=message):
        train_frozen(config)
    assert not (tmp_path / "facesurvival.parquet").exists()


OUTPUT = """
checkpoint = "my-facesurvival.safetensors"
name = "my-facesurvival"
training_data = "drawings with made follow-up"
licence = "none"
"""


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    """Drawn photos, embedded by a small checkpoint, and a follow-up of each."""
    folder = tmp_path_factory.mktemp("embedded")
    photos = draw_portraits(folder / "photos", 24)
    names = sorted(path.name for path in photos.iterdir())
    table_of_faces(folder / "faces.csv", names)
    small_checkpoint(folder / "small-age.safetensors")
    plan = plan_of(folder, "small-age", outcome="embeddings")
    shards = open_source(photos).shards(24)
    table = open_workbench(plan).score(photo for shard in shards for photo in shard)
    pq.write_table(table, folder / "embeddings.parquet")
    labels = draw_cohort(24, 1, seed=4)[1].assign(photo=names)
    labels.to_csv(folder / "labels.csv", index=False)
    return folder


def plan_of(folder, name, **settings):
    return Plan(
        models=(str(folder / f"{name}.safetensors"),),
        detector=f"precomputed:{folder / 'faces.csv'}",
        device="cpu",
        precision="float32",
        **settings,
    )


FROZEN = 'checkpoint = "small-age.safetensors"\nfolds = 3\npenalties = [0.5]'


def test_from_photos_to_a_checkpoint_that_scores_them_as_its_head_does(embedded):
    run = train_frozen(configure(embedded, frozen=FROZEN, output=OUTPUT))
    assert run.checkpoint == embedded / "my-facesurvival.safetensors"
    assert f"Checkpoint: {run.checkpoint}" in str(run)
    _, vectors = read_embeddings(embedded / "embeddings.parquet")
    labels = pd.read_csv(embedded / "labels.csv")
    head = fit_frozen_head(vectors, labels["time"], labels["event"], penalties=[0.5])
    expected = head.predict(vectors)
    scores = as_frame(embedded / "photos", plan_of(embedded, "my-facesurvival"))
    np.testing.assert_allclose(scores["facesurvival"], expected, rtol=0, atol=1e-5)
    assert expected.std() > 0.1


def test_the_card_says_what_its_accuracy_is(embedded):
    run = train_frozen(configure(embedded, frozen=FROZEN, output=OUTPUT))
    assert run.checkpoint is not None
    card = load_checkpoint(run.checkpoint).card
    network = load_checkpoint(embedded / "small-age.safetensors").card
    assert card.preprocessing == network.preprocessing
    assert [(x.column, x.units) for x in card.outputs] == [
        ("facesurvival", "log hazard")
    ]
    assert list(card.accuracy.values()) == [
        run.out_of_fold.c_index,
        run.out_of_fold.std_error,
    ]
    page = " ".join(card_page(card).split())
    assert f"C-index, out of fold, 24 subjects, {run.n_events} events" in page
    assert "Scores of the photos it was fitted to are optimistic" in page
    assert "drawings with made follow-up Of the network: none" in page


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("my-facesurvival.s", "small-age.s", "the file of the network itself"),
        ('"small-age.s', '"other.s', r"`checkpoint` is `other@\w{12}`, but `embedd"),
        ('"small-age.s', '"absent.s', r"no file of parameters `.*absent\.safetensors`"),
        ('name = "my-f', 'name = "my f', "`name` is `my facesurvival`; use letters"),
    ],
)
def test_a_checkpoint_that_cannot_be_written_is_refused(embedded, old, new, message):
    small_checkpoint(embedded / "other.safetensors", columns=())
    (embedded / "facesurvival.parquet").unlink(missing_ok=True)
    before = load_checkpoint(embedded / "small-age.safetensors").name
    config = configure(embedded, frozen=FROZEN, output=OUTPUT)
    assert config.read_text().count(old) == 1
    config.write_text(config.read_text().replace(old, new))
    with pytest.raises(DataError, match=message):
        train_frozen(config)
    assert load_checkpoint(embedded / "small-age.safetensors").name == before
    assert not (embedded / "facesurvival.parquet").exists()


def test_a_network_without_a_head_gets_one(tmp_path):
    foundation = small_checkpoint(tmp_path / "small-age.safetensors", columns=())
    network = load_checkpoint(foundation)
    vectors, labels = draw_cohort(24, 16)
    write(tmp_path, vectors, labels, checkpoint=network.name)
    run = train_frozen(configure(tmp_path, frozen=FROZEN, output=OUTPUT))
    assert run.checkpoint is not None
    parameters = load_checkpoint(run.checkpoint).parameters
    assert {*parameters} - {*network.parameters} == {"head.weight", "head.bias"}
