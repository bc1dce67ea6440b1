"""SEARCH: the settings of a model, in KerasTuner's interface. The search itself comes later."""

from dure.tune.hyperparameters import HyperParameters
from dure.tune.space import HyperParameter

__all__ = ["HyperParameter", "HyperParameters"]
