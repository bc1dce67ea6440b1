"""THE RUNNER: components, pipelines, the cache and the runs. It knows no machine learning.

Files, in the order to read them: `component` (what is called), `call` (one call, taken apart),
`handle` (what it returns), `encode`, `code` and `cache` (the key and its reasons), `store` (where
artifacts live), `attempt` and `worker` (where user code runs), `step` and `run` (a run),
`selection` and `plan` (a part of it, or none of it yet), `pipeline` and `parameters` (from a file
and a command line), `memory` (the record).
"""

from dure.runner.component import Component, Source, component
from dure.runner.context import override, step_progress
from dure.runner.pipeline import Pipeline, pipeline
from dure.runner.resources import Resources, resources

__all__ = [
    "Component",
    "Pipeline",
    "Resources",
    "Source",
    "component",
    "override",
    "pipeline",
    "resources",
    "step_progress",
]
