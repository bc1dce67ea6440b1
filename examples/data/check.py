"""From a table to a checked schema: read, describe, infer, validate, drift, accept.

python examples/data/check.py [FOLDER]

Reads the Palmer penguins in ../penguins, then a spoilt copy of them as next year's data, and
leaves the pages and the schema in FOLDER (default: penguins-check).
"""

import sys
from pathlib import Path

import polars as pl

from dure.data import Examples, make_examples
from dure.schema import Schema, infer
from dure.statistics import describe
from dure.validate import accept, drift, reject, validate

PENGUINS = Path(__file__).parent.parent / "penguins" / "penguins.csv"


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)

    say("1. Read: rows are split by a hash of their values, and none is lost")
    examples = make_examples(PENGUINS, splits={"train": 8, "eval": 2})
    print(examples)

    say("2. Describe: one pass over every column")
    statistics = describe(examples)
    print(statistics)
    print("the page:", statistics.to_html(folder / "statistics.html"))

    say("3. Infer: a draft of what to expect, to be read and corrected")
    schema = corrected(infer(statistics, rules="interval"))
    schema.write(folder / "schema.yaml")
    print(schema)
    print(validate(statistics, schema, examples=examples).summary())

    say("4. Validate: the next data has a new island, a typing error and a scale that is off")
    after = next_year(examples)
    found = describe(after)
    anomalies = validate(found, schema, examples=after)
    print(anomalies)
    print("the gate:", anomalies.gate.status)

    say("5. Drift: is a difference more than chance, and does it matter?")
    report = drift(statistics, found)
    print(report.summary())
    for one in report.drifted:
        print(f"- {one.column} [{one.split}]: {one.reason}")

    say("6. Accept what is right, reject what is known, and check again")
    for anomaly in anomalies.errors:
        if anomaly.column == "island":
            schema = accept(schema, anomaly, found, examples=after)
        elif anomaly.column == "sex":
            schema = reject(schema, anomaly, reason="a typing error, ticket 7", until="2030-06-30")
    print("\n".join(Schema.read(folder / "schema.yaml").diff(schema)))
    schema.write(folder / "schema.yaml")
    print(validate(found, schema, examples=after).summary())


def corrected(schema: Schema) -> Schema:
    """Add what no draft can know."""
    schema = schema.edit("body_mass_g", min=1000, max=10_000)
    return schema.edit("species", balance={"Adelie": (0.3, 0.6)})


def next_year(examples: Examples) -> Examples:
    """Return spoilt penguins."""
    island = pl.when(pl.col("bill_length_mm") > 54).then(pl.lit("Anvers")).otherwise("island")
    sex = pl.when(pl.col("bill_length_mm") < 34).then(pl.lit("femal")).otherwise("sex")
    heavier = (pl.col("body_mass_g") * 1.1).cast(pl.Int64)
    return Examples.from_frames(
        {
            split: examples.frame(split).with_columns(island=island, sex=sex, body_mass_g=heavier)
            for split in examples.splits
        }
    )


def say(line: str) -> None:
    print(f"\n{line}\n{'─' * len(line)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("penguins-check"))
