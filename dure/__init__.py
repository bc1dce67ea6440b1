"""Dure takes a Keras model from raw data to a served, watched and repaired model.

This is the public page: everything that a user may import stands here and is loaded on first
use, so that ``import dure`` costs nothing. The stages are libraries of their own, such as
`dure.statistics`; ``dure/components.py`` is the place to begin reading.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dure.artifact import Artifact
    from dure.components import (
        DistributionValidator,
        Evaluator,
        ExampleDiff,
        ExampleGen,
        ExampleValidator,
        ImportSchemaGen,
        Pusher,
        SchemaGen,
        StatisticsGen,
        Trainer,
        Transform,
    )
    from dure.data import Examples
    from dure.errors import DureError
    from dure.evaluate import Evaluation
    from dure.gate import Check, Gate
    from dure.push import PushedModel
    from dure.runner.component import Source, component
    from dure.runner.context import override, step_folder, step_progress
    from dure.runner.pipeline import pipeline
    from dure.runner.resources import resources
    from dure.schema import Schema
    from dure.statistics import Statistics
    from dure.train import Model
    from dure.transform import TransformGraph
    from dure.tune import HyperParameters
    from dure.validate import Anomalies, ExampleDifferences

__version__ = "0.1.0"

_HOME = {
    "Anomalies": "validate",
    "Artifact": "artifact",
    "Check": "gate",
    "DistributionValidator": "components",
    "DureError": "errors",
    "Evaluation": "evaluate",
    "Evaluator": "components",
    "ExampleDiff": "components",
    "ExampleDifferences": "validate",
    "ExampleGen": "components",
    "ExampleValidator": "components",
    "Examples": "data",
    "Gate": "gate",
    "HyperParameters": "tune",
    "ImportSchemaGen": "components",
    "Model": "train",
    "PushedModel": "push",
    "Pusher": "components",
    "Schema": "schema",
    "SchemaGen": "components",
    "Source": "runner.component",
    "Statistics": "statistics",
    "StatisticsGen": "components",
    "Trainer": "components",
    "Transform": "components",
    "TransformGraph": "transform",
    "component": "runner.component",
    "override": "runner.context",
    "pipeline": "runner.pipeline",
    "resources": "runner.resources",
    "step_folder": "runner.context",
    "step_progress": "runner.context",
}

__all__ = [
    "Anomalies",
    "Artifact",
    "Check",
    "DistributionValidator",
    "DureError",
    "Evaluation",
    "Evaluator",
    "ExampleDiff",
    "ExampleDifferences",
    "ExampleGen",
    "ExampleValidator",
    "Examples",
    "Gate",
    "HyperParameters",
    "ImportSchemaGen",
    "Model",
    "PushedModel",
    "Pusher",
    "Schema",
    "SchemaGen",
    "Source",
    "Statistics",
    "StatisticsGen",
    "Trainer",
    "Transform",
    "TransformGraph",
    "component",
    "override",
    "pipeline",
    "resources",
    "step_folder",
    "step_progress",
]


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(importlib.import_module(f"dure.{_HOME[name]}"), name)
    raise AttributeError(f"module 'dure' has no attribute '{name}'")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
