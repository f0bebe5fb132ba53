"""Devices a model can be run on."""
