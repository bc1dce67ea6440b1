"""JSON Lines: what comes is what the json module reads, or a reason with its line."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any

import fsspec
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dure.data.batch import Batch, ReadOptions
from dure.data.location import Location
from dure.data.readers.json_tokens import of_frame, of_text
from dure.data.readers.jsonl_reader import read_jsonl
from dure.errors import DataError


def batches(path: Path, text: str | bytes, **options: Any) -> list[Batch]:
    path = path / "rows.jsonl" if path.is_dir() else path
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    found = list(read_jsonl(Location.of_path(path), ReadOptions(**options)))
    for batch in found:
        assert batch.found == batch.frame.height + len(batch.refused)
    return found


def table(path: Path, text: str | bytes, **options: Any) -> pl.DataFrame:
    parts = [batch.frame for batch in batches(path, text, **options)]
    return pl.concat(parts, how="diagonal_relaxed")


def reasons(path: Path, text: str | bytes, **options: Any) -> list[str]:
    found = batches(path, text, on_bad_rows="quarantine", **options)
    return [str(row) for batch in found for row in batch.refused]


def refusal(path: Path, text: str | bytes, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        batches(path, text, **options)
    return str(caught.value)


def test_objects_become_structs_and_arrays_lists(tmp_path: Path) -> None:
    frame = table(tmp_path, '{"a":{"b":[1,2]},"c":true}\n{"a":{"b":[],"d":"x"},"c":null}\n')
    assert frame.schema == {
        "a": pl.Struct({"b": pl.List(pl.Int64), "d": pl.String}),
        "c": pl.Boolean,
    }
    assert frame.rows() == [({"b": [1, 2], "d": None}, True), ({"b": [], "d": "x"}, None)]


def test_blank_lines_are_no_rows_and_the_last_line_needs_no_end(tmp_path: Path) -> None:
    assert table(tmp_path, '\n{"a":1}\r\n\n  \t\n{"a":2}').rows() == [(1,), (2,)]


def test_a_column_without_values_has_no_type(tmp_path: Path) -> None:
    assert table(tmp_path, '{"a":null}\n{"a":null}\n').schema == {"a": pl.Null}


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    assert table(tmp_path, '\ufeff{"a":"é"}\n').rows() == [("é",)]


def test_whole_numbers_become_float_when_a_float_comes(tmp_path: Path) -> None:
    assert table(tmp_path, '{"a":1}\n{"a":2.5}\n').rows() == [(1.0,), (2.5,)]


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("1", '"x"', "column 'a' is int, and here string"),
        ('"x"', "1", "column 'a' is string, and here int"),
        ('"x"', "true", "column 'a' is string, and here bool"),
        ("true", "1", "column 'a' is bool, and here int"),
        ('{"b":1}', "1", "column 'a' is struct[b: int], and here int"),
        ('"x"', '["x"]', "column 'a' is string, and here list[string]"),
        ('"x"', "{}", "column 'a' is string, and here struct[]"),
        ('{"b":1}', '{"b":"x"}', "column 'a.b' is int, and here string"),
        ("[1]", '["x"]', "column 'a[]' is int, and here string"),
        ("[]", "{}", "column 'a' is list[string], and here struct[]"),
    ],
)
def test_mixed_types_are_named_with_line_column_and_both_types(
    tmp_path: Path, first: str, second: str, said: str
) -> None:
    text = f'{{"a":{first}}}\n\n{{"a":{second}}}\n'
    message = refusal(tmp_path, text)
    assert f"'{tmp_path / 'rows.jsonl'}', line 3: {said}" in message
    assert "to do:" in message
    assert reasons(tmp_path, text) == [f"rows.jsonl, line 3: {said}"]


def test_mixed_types_are_found_in_blocks_far_apart(tmp_path: Path) -> None:
    text = '{"a":1,"b":"x"}\n' * 30_000 + '{"a":"7","b":"x"}\n' + '{"a":2,"b":"x"}\n' * 10
    assert reasons(tmp_path, text) == [
        "rows.jsonl, line 30,001: column 'a' is int, and here string"
    ]
    text = '{"a":"x"}\n' * 60_000 + '{"a":7}\n'
    assert reasons(tmp_path, text) == [
        "rows.jsonl, line 60,001: column 'a' is string, and here int"
    ]


def test_one_value_of_two_types_within_an_array_is_refused(tmp_path: Path) -> None:
    assert reasons(tmp_path, '{"a":[1,"x"]}\n') == [
        "rows.jsonl, line 1: column 'a[]' is int, and here string"
    ]


def test_refused_rows_keep_their_text_cut_to_a_thousand(tmp_path: Path) -> None:
    found = batches(tmp_path, '{"a":1}\nnope\n' + "y" * 5000, on_bad_rows="quarantine")
    refused = [row for batch in found for row in batch.refused]
    assert [row.text for row in refused] == ["nope", "y" * 1000]
    assert [row.place for row in refused] == ["line 2", "line 3"]


@pytest.mark.parametrize("digits", ["9223372036854775808", "-9223372036854775809", "1" + "0" * 30])
def test_whole_numbers_beyond_64_bits_are_refused(tmp_path: Path, digits: str) -> None:
    said = f"line 2: column 'a': the whole number {digits} does not fit in 64 bits"
    assert said in refusal(tmp_path, f'{{"a":1}}\n{{"a":{digits}}}\n')


def test_whole_numbers_of_64_bits_are_exact(tmp_path: Path) -> None:
    numbers = [2**63 - 1, -(2**63), 2**53 + 1]
    text = "".join(json.dumps({"a": number}) + "\n" for number in numbers)
    assert table(tmp_path, text)["a"].to_list() == numbers


def test_a_whole_number_that_a_float_would_round_is_refused(tmp_path: Path) -> None:
    assert "would round the whole number 9007199254740993" in refusal(
        tmp_path, '{"a":0.5}\n{"a":9007199254740993}\n'
    )
    assert "beyond 2^53" in refusal(tmp_path, '{"a":9007199254740993}\n{"a":0.5}\n')
    assert table(tmp_path, '{"a":0.5}\n{"a":9007199254740992}\n{"a":1e300}\n').height == 3


def test_a_float_column_refuses_it_in_a_later_block_too(tmp_path: Path) -> None:
    text = '{"a":0.5,"b":null}\n{"a":9007199254740993,"b":true}\n'
    assert "would round the whole number" in refusal(tmp_path, text)


def test_arrays_that_were_empty_before_may_have_values_later(tmp_path: Path) -> None:
    assert table(tmp_path, '{"a":[]}\n{"a":[1]}\n{"a":[2,null]}\n').rows() == [
        ([],),
        ([1],),
        ([2, None],),
    ]
    assert table(tmp_path, '{"a":[null]}\n{"a":["x"]}\n')["a"].to_list() == [[None], ["x"]]


def test_numbers_too_long_for_python_and_too_large_for_a_float_are_refused(tmp_path: Path) -> None:
    long, large = reasons(tmp_path, '{"a":' + "1" * 5000 + '}\n{"a":1e400}\n')
    assert "line 1: it is no JSON: Exceeds the limit" in long
    assert 'line 2: "1e400" is too large for a float' in large


def test_nan_and_infinity_are_floats(tmp_path: Path) -> None:
    frame = table(tmp_path, '{"a":NaN}\n{"a":Infinity}\n{"a":-Infinity}\n{"a":1}\n')
    assert math.isnan(frame["a"][0])
    assert frame["a"].to_list()[1:] == [math.inf, -math.inf, 1.0]


def test_a_key_that_appears_late_is_missing_before(tmp_path: Path) -> None:
    frame = table(tmp_path, '{"a":1}\n' * 50_000 + '{"a":1,"late":"x"}\n')
    assert frame["late"].null_count() == 50_000
    assert frame["late"][-1] == "x"


def test_a_key_that_is_only_ever_null_is_a_column(tmp_path: Path) -> None:
    name = "n" * 40
    frame = table(tmp_path, '{"a":1,"b":null}\n' * 9 + f'{{"a":1,"b":null,"{name}":null}}\n')
    assert frame.schema == {"a": pl.Int64, "b": pl.Null, name: pl.Null}


def test_a_key_twice_in_an_object_is_refused_unless_the_second_is_null(tmp_path: Path) -> None:
    said = "the key 'a' stands twice in one object"
    assert reasons(tmp_path, '{"a":1,"a":2}\n') == [f"rows.jsonl, line 1: {said}"]
    assert reasons(tmp_path, '{"b":{"a":1,"a":1}}\n') == [f"rows.jsonl, line 1: {said}"]
    assert table(tmp_path, '{"a":1,"a":null}\n').rows() == [(1,)]


def test_bytes_that_are_no_utf8_are_named_with_their_offset(tmp_path: Path) -> None:
    data = b'{"a":"x"}\n{"a":"\xff"}\n'
    said = f"line 2, byte {data.index(0xFF)}: it is not UTF-8: byte 0xff"
    assert said in refusal(tmp_path, data)
    assert reasons(tmp_path, data) == [f"rows.jsonl, {said}"]


def test_half_of_a_surrogate_pair_is_refused_and_a_whole_one_read(tmp_path: Path) -> None:
    text = r'{"a":"\ud83d\ude00"}' + "\n" + r'{"a":"\ud800"}' + "\n" + r'{"a":"\\ud83d\ude00"}'
    assert reasons(tmp_path, text) == [
        r"rows.jsonl, line 2: \ud800 is half of a character",
        r"rows.jsonl, line 3: \ude00 is half of a character",
    ]
    assert table(tmp_path, text, on_bad_rows="quarantine").rows() == [("😀",)]


def test_nul_is_read_escaped_and_refused_bare(tmp_path: Path) -> None:
    assert table(tmp_path, '{"a":"x\\u0000y"}\n').rows() == [("x\0y",)]
    assert "no JSON" in refusal(tmp_path, '{"a":"x\0y"}\n')


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[1]", "it is an array, and no object"),
        ("1", "it is a number, and no object"),
        ("null", "it is null, and no object"),
        ('"x"', "it is a string, and no object"),
        ('{"a":1', "it is no JSON"),
        ('{"a":1} {"a":2}', "it is no JSON: Extra data at character 9"),
        ("{'a':1}", "it is no JSON"),
        ('{"a":' + "[" * 100_000 + "]" * 100_000 + "}", "too deep in each other"),
    ],
)
def test_what_is_no_object_is_refused(tmp_path: Path, line: str, said: str) -> None:
    (reason,) = reasons(tmp_path, '{"a":[]}\n' + line + "\n")
    assert reason.startswith("rows.jsonl, line 2: ")
    assert said in reason


@pytest.mark.parametrize("text", ['[{"a":1},{"a":2}]', '[\n  {"a":1}\n]\n', " [ "])
def test_a_file_that_is_one_array_says_what_to_do(tmp_path: Path, text: str) -> None:
    message = refusal(tmp_path, text, on_bad_rows="quarantine")
    assert "is one JSON array, and not JSON Lines" in message
    assert "jq -c '.[]' rows.jsonl" in message


def test_utf16_is_read_if_it_is_named_and_else_told(tmp_path: Path) -> None:
    data = '{"a":"é"}\n{"a":"한"}\n'.encode("utf-16")
    assert 'encoding="utf-16"' in refusal(tmp_path, data)
    assert table(tmp_path, data, encoding="utf-16").rows() == [("é",), ("한",)]
    assert "is not in the encoding utf-16" in refusal(tmp_path, data[:-1], encoding="utf-16")


def test_types_that_are_given_overrule_the_values(tmp_path: Path) -> None:
    text = '{"zip":2139,"n":1}\n{"zip":"02139","n":null}\n{"zip":2.50,"n":123456789012345678901}\n'
    frame = table(tmp_path, text, types={"zip": "string", "n": "float"})
    assert frame.rows() == [("2139", 1.0), ("02139", None), ("2.50", 123456789012345678901.0)]
    assert "column 'zip' is int, and here string" in refusal(tmp_path, text, types={"zip": "int"})
    assert "is to be int, and here is float" in refusal(
        tmp_path, '{"a":1}\n{"a":2.5}\n', types={"a": "int"}
    )
    assert table(tmp_path, '{"a":null}\n', types={"a": "int"}).schema == {"a": pl.Int64}


def test_rows_without_keys_are_rows(tmp_path: Path) -> None:
    assert table(tmp_path, '{}\n{"a":1}\n{}\n').rows() == [(None,), (1,), (None,)]


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    for text in ("", "\n \n"):
        assert [(b.frame.height, b.found) for b in batches(tmp_path, text)] == [(0, 0)]


def test_batches_are_small_and_in_order(tmp_path: Path) -> None:
    text = "".join(f'{{"a":{row},"b":"{"x" * 100}"}}\n' for row in range(20_000))
    found = batches(tmp_path, text, batch_bytes=1 << 18)
    assert pl.concat([b.frame for b in found])["a"].to_list() == list(range(20_000))
    assert max(b.frame.estimated_size() for b in found) < 1 << 19


def test_many_columns_do_not_make_a_large_frame_of_a_small_text(tmp_path: Path) -> None:
    names = {f"c{column}": column for column in range(10_000)}
    text = json.dumps(names) + "\n" + '{"c1":1}\n' * 1_000
    found = batches(tmp_path, text, batch_bytes=1 << 22)
    assert sum(b.frame.height for b in found) == 1_001
    assert found[0].frame.width == 10_000
    assert max(b.frame.height for b in found) * 10_000 * 8 <= 1 << 23


@pytest.mark.slow
def test_a_cell_of_100_megabytes_is_read(tmp_path: Path) -> None:
    cell = "x" * (100 << 20)
    frame = table(tmp_path, f'{{"a":"y"}}\n{{"a":"{cell}"}}\n{{"a":"z"}}\n')
    assert frame["a"].str.len_bytes().to_list() == [1, len(cell), 1]


def test_compressed_and_remote_files_are_read_and_a_cut_off_one_is_named(tmp_path: Path) -> None:
    text = b"".join(b'{"a":%d}\n' % row for row in range(50_000))
    path = tmp_path / "rows.jsonl.gz"
    assert table(path, gzip.compress(text, mtime=0)).height == 50_000
    message = refusal(path, gzip.compress(text, mtime=0)[:-2000])
    assert f"'{path}' is not a whole gzip file" in message
    with fsspec.open("memory://jsonl/rows.jsonl", "wb") as file:
        file.write(text)
    remote = Location.of_url("memory://jsonl/rows.jsonl")
    assert sum(b.frame.height for b in read_jsonl(remote, ReadOptions())) == 50_000


# pl.concat takes the names "*" and "^…$" for patterns.
names = st.text(min_size=1, max_size=6).filter(lambda n: n.isprintable() and n[0] not in "*^")
texts = st.text(st.characters(codec="utf-8"), max_size=12)
columns = st.one_of(
    st.just(st.integers(-(2**63), 2**63 - 1)),
    st.just(st.floats(allow_nan=False, allow_infinity=False)),
    st.just(st.booleans()),
    st.just(texts),
    st.just(st.lists(texts, max_size=3)),
    st.just(st.lists(st.lists(st.integers(-9, 9), max_size=2), max_size=2)),
    st.just(st.fixed_dictionaries({"x": st.integers(-9, 9), '"y"': st.none() | texts})),
)


@st.composite
def tables(draw: st.DrawFn) -> list[dict[str, Any]]:
    kinds = draw(st.dictionaries(names, columns, min_size=1, max_size=4))
    value = {name: st.none() | kind for name, kind in kinds.items()}
    return draw(st.lists(st.fixed_dictionaries({}, optional=value), min_size=1, max_size=8))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=tables(), ascii_only=st.booleans(), spaced=st.booleans())
def test_rows_written_by_the_json_module_come_back(
    tmp_path: Path, rows: list[dict[str, Any]], ascii_only: bool, spaced: bool
) -> None:
    separators = (", ", ": ") if spaced else (",", ":")
    text = "".join(
        json.dumps(row, ensure_ascii=ascii_only, separators=separators) + "\n" for row in rows
    )
    frame = table(tmp_path, text)
    found = frame.rows(named=True) if frame.width else [{} for _ in rows]
    every = {name for row in rows for name in row}
    assert set(frame.columns) == every
    for row, back in zip(rows, found, strict=True):
        assert back == {name: row.get(name) for name in every}


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=tables())
def test_the_count_of_tokens_without_a_parser_is_that_of_the_frame(
    rows: list[dict[str, Any]],
) -> None:
    text = "".join(json.dumps(row) + "\n" for row in rows).encode()
    values = strings = lists = 0

    def walk(value: object) -> None:
        nonlocal values, strings, lists
        strings += isinstance(value, str)
        lists += isinstance(value, list)
        if isinstance(value, dict):
            values += sum(each is not None for each in value.values())
            for each in value.values():
                walk(each)
        elif isinstance(value, list):
            for each in value:
                walk(each)

    for row in rows:
        walk(row)
    tokens = of_text(text)
    assert tokens is not None
    assert (tokens.values, tokens.strings, tokens.lists) == (values, strings, lists)
    assert of_frame(pl.read_ndjson(text, infer_schema_length=None)) == tokens


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.binary(max_size=200) | st.text('{}[]",:\\au0d8 1.e-\n', max_size=80).map(str.encode))
def test_whatever_the_bytes_each_line_is_a_row_or_refused(tmp_path: Path, data: bytes) -> None:
    try:
        found = batches(tmp_path, data, on_bad_rows="quarantine")
    except DataError:
        assert data.lstrip().startswith((b"[", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf"))
        return
    lines = [line for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip()]
    assert sum(batch.found or 0 for batch in found) == len(lines)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.sampled_from([0, 1, 2**53 + 1, 2**63, 0.5, 1e300])
    | st.sampled_from(["", "x", '"', "\\", "[1", '":', "{}", "\0", "😀"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=3,
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(st.dictionaries(st.sampled_from("abc"), values), min_size=1, max_size=5),
    repeated=st.integers(1, 3),
)
def test_blocks_are_read_as_lines_one_by_one_are(
    tmp_path: Path, rows: list[dict[str, Any]], repeated: int
) -> None:
    text = "".join(json.dumps(row) + "\n" for row in rows for _ in range(repeated))

    def read() -> tuple[list[Any], list[str]]:
        found = batches(tmp_path, text, on_bad_rows="quarantine")
        read_rows = [row for batch in found for row in batch.frame.rows(named=True)]
        return (
            [_with_values(row) for row in read_rows],
            [str(row) for batch in found for row in batch.refused],
        )

    blocks = read()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "dure.data.readers.jsonl_reader._Lines._fast", lambda self, block, found: None
        )
        assert read() == blocks


def _with_values(value: Any) -> Any:
    """Leave out the fields that have no value: whether one that never has is there may differ."""
    if isinstance(value, dict):
        return {name: _with_values(inner) for name, inner in value.items() if inner is not None}
    return [_with_values(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("record", ["{}", '{"b": 1}'])
def test_a_field_of_records_that_never_has_a_value_may_be_left_out(
    tmp_path: Path, record: str
) -> None:
    text = f'{{"c": {record}, "a": null}}\n{{"c": {{"a": null}}, "a": null}}\n'
    rows = [row for batch in batches(tmp_path, text) for row in batch.frame.rows(named=True)]
    assert [_with_values(row) for row in rows] == [
        {"c": json.loads(record)},
        {"c": {}},
    ]
