"""What a preprocess function made: the names, types and sizes of its features."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dure.errors import TransformError, nearest


@dataclass(frozen=True)
class Feature:
    """One output of preprocess.

    Parameters
    ----------
    name : str
        Its key in the dict that preprocess returned.
    dtype : str
        ``"float32"``, ``"int64"``, ``"bool"``, ``"string"``, ...
    shape : tuple of int
        Shape of one row, such as ``(1,)``.
    size : int or None
        For ids straight from an analyzer: how many different ids there are, so that
        ``Embedding(size, …)`` and ``one_hot(…, size)`` fit. None where it is not known.
    vocabulary : tuple of str or None
        For ids straight from `compute_and_apply_vocabulary`: the string of each id, in order.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    size: int | None = None
    vocabulary: tuple[str, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the feature as JSON-ready values."""
        record = asdict(self)
        record["shape"] = list(self.shape)
        record["vocabulary"] = None if self.vocabulary is None else list(self.vocabulary)
        return record

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Feature:
        """Return the feature that `to_dict` wrote."""
        vocabulary = record["vocabulary"]
        return cls(
            name=record["name"],
            dtype=record["dtype"],
            shape=tuple(record["shape"]),
            size=record["size"],
            vocabulary=None if vocabulary is None else tuple(vocabulary),
        )


class Features(Mapping[str, Feature]):
    """The features by name, in the order in which preprocess returned them."""

    def __init__(self, features: Iterable[Feature]) -> None:
        self._features = {feature.name: feature for feature in features}

    def __getitem__(self, name: str) -> Feature:
        try:
            return self._features[name]
        except KeyError:
            raise _UnknownFeatureError(
                f"there is no feature '{name}'",
                expected="a key of the dict that preprocess returns",
                got=repr(name),
                fix=nearest(str(name), self._features),
            ) from None

    def __contains__(self, name: object) -> bool:
        return name in self._features

    def __iter__(self) -> Iterator[str]:
        return iter(self._features)

    def __len__(self) -> int:
        return len(self._features)

    def __repr__(self) -> str:
        return f"Features({list(self._features.values())!r})"

    def without(self, *names: str) -> Features:
        """Return all features but these: ``features.without("tipped")``."""
        left_out = {self[name].name for name in names}
        return Features(f for f in self._features.values() if f.name not in left_out)

    def inputs(self) -> dict[str, Any]:
        """Return fresh ``keras.Input`` tensors, one a feature, to build a model from.

        Returns
        -------
        dict of str to keras.KerasTensor
            Shape ``(None, *feature.shape)`` and the feature's dtype, named like the feature.
        """
        from dure.transform._keras import load_keras

        keras = load_keras("Features.inputs")
        return {
            name: keras.Input(shape=feature.shape, dtype=feature.dtype, name=name)
            for name, feature in self._features.items()
        }


class _UnknownFeatureError(TransformError, KeyError):
    """A feature that is not there: also a KeyError, as the Mapping protocol wants."""

    __str__ = TransformError.__str__
