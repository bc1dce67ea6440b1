"""THE RUNNER: components, pipelines, the cache and the runs. It knows no machine learning.

Files, in the order to read them: `component` (what is called), `call` (one call, taken apart),
`handle` (what it returns), `encode`, `own`, `bytecode`, `code` and `cache` (the key and its reasons), `store` (where
artifacts live), `attempt` and `worker` (where user code runs), `step` and `run` (a run),
`selection` and `plan` (a part of it, or none of it yet), `pipeline` and `parameters` (from a file
and a command line), `memory` (the record).
"""
