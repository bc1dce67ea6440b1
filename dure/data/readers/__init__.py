"""The readers, one function a format, and what they are made of; `dure.data.formats` lists them.

======================= ====================================================================
format                  files
======================= ====================================================================
CSV, TSV                `csv_reader` on `csv_scan` (where records lie), `csv_layout`, `csv_values`,
                        `infer` (types of texts), `encoding`
JSON Lines              `jsonl_reader` on `json_tokens` (counts in the bytes), `json_rows` (slow path)
Parquet, Arrow, NumPy   `parquet_reader`, `arrow_reader`, `numpy_reader`, on `slices`
Avro                    `avro_reader`, `avro_types`
images                  `image_reader`
TFRecord                `tfrecord_reader` on `tfrecord` (framing), `wire`, `tf_example`,
                        `sequence_example`, `proto_messages`, `tf_names`, `tf_columns`,
                        `tf_canonical` (slow path); written by `tfrecord_writer`, `tf_example_encoder`
SQL                     `sql_reader`, and a file for each database
BigQuery                `bigquery_reader`
======================= ====================================================================
"""
