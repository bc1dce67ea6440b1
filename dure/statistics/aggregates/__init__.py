"""What is computed beside the statistics of columns, each as a `dure.statistics.aggregate.Aggregate`.

`chosen` says which the options turn on. What values mean: `semantic`, on `semantic_time` (with
`time_formats`, `time_numbers`), `semantic_text` and `semantic_codes`. One column: `sentinels`,
`order`, `sequences`, `natural_language`, `images` (with `image_headers`). Several: `crosses` (with
`pair_moments` and `association`), `lift`, `information`, `feature_pairs`. `value_sample` and
`row_sample` bound what they look at.
"""
