"""Dure takes a Keras model from raw data to a served, watched and repaired model."""

__version__ = "0.1.0"
