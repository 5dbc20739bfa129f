"""``simdnn train``: trains a bag of networks, or a plain one, on a table and writes it to a file."""

from __future__ import annotations

import argparse
import os

from simdnn import table
from simdnn._utils.extras import need
from simdnn._utils.files import check_writable

from . import _plain, _tabular
from ._common import (
    Command,
    add_choosing,
    add_reading,
    fail,
    ignored,
    inputs_of,
    names_in,
    point_out_useless,
    refuse_ending,
    refuse_input,
    spelling,
)
from ._large import add_chunk_rows, chunk_rows
from ._packages import FILES, packages_of_table

DESCRIPTION = """Train on a table (CSV, Parquet or npz) and write one file with the model and the
preprocessing of its columns. By default the model is that of simdnn.tabular: a bag of small networks, each
trained on all folds of the rows but one, whose predictions of that fold give the metrics. Any option of a
plain network, and a table that is read in chunks, trains one network instead, which holds out a fraction of
the rows for early stopping and for the metrics."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `simdnn train`."""
    add = parser.add_argument
    add("data", help="table to train on: .csv, .tsv, .parquet or .npz")
    add("--target", required=True, help="name of the column to predict")
    add("--out", required=True, help="model file to write, such as model.safetensors")
    add_choosing(parser)
    add("--seed", type=int, default=0, help="seed of weights, folds and batches (default: %(default)s)")
    add_reading(parser)
    add_chunk_rows(parser)
    add("--quiet", action="store_true", help="show no progress bar")
    _tabular.add_arguments(parser)
    _plain.add_arguments(parser)


def run(o: argparse.Namespace) -> int:
    """Trains, writes the model, reports, and returns the exit status."""
    size = check(o)
    text, ignore = names_in(o.categorical), ignored(o)
    if size:
        parts = table.chunks(o.data, rows=size, text=text, ignore=ignore, **spelling(o))
        return _plain.run_in_chunks(o, parts, size)
    plain = is_plain(o, size)
    whole = table.read(o.data, text=text, ignore=ignore, dates=not plain, **spelling(o))
    target = table.Target.fit(whole, o.target, o.task)
    values = whole[o.target]
    if values.dtype == object and table.dates_of_words(values) is not None:
        fail(f"target {o.target}: dates are not supported; turn them into numbers, such as days")
    inputs = inputs_of(whole, o.target, dates=not plain)
    point_out_useless(inputs)
    train = _plain.run if plain else _tabular.run
    return train(o, whole, target, inputs)


def is_plain(o: argparse.Namespace, size: int) -> bool:
    """True if the options describe a plain network, or the table is read in chunks of `size` rows."""
    return bool(size or _plain.given(o))


def check(o: argparse.Namespace) -> int:
    """Raises for options that are wrong for any table; returns the rows of a chunk, 0 without chunks."""
    if o.seed < 0:
        fail(f"--seed: expected an integer >= 0, got {o.seed}")
    if not os.path.isdir(os.path.dirname(os.path.abspath(o.out))):
        fail(f"--out: there is no folder {os.path.dirname(o.out)}")
    check_writable(o.out)
    refuse_input("--out", o.out, o.data)
    refuse_ending("--out", o.out, ".safetensors")
    plain, bag = _plain.given(o), _tabular.given(o)
    if plain and bag:
        fail(f"{bag[0]}: cannot be combined with {plain[0]}, which trains a plain network")
    size = chunk_rows(o)
    if size and bag:
        fail(f"{bag[0]}: needs the table in memory; --chunk-rows 0 reads it at once")
    if is_plain(o, size):
        _plain.complete(o)
        need("simdnn train", FILES | packages_of_table(o.data))
    else:
        _tabular.complete(o)
    return size


TRAIN = Command("train on a table (CSV, Parquet or npz)", DESCRIPTION, add_arguments, run)
